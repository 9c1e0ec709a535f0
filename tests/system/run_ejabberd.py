"""ejabberd as host, stentord as its component: a whole conversation of ordinary clients, those of
libstrophe and those of slixmpp, then the scripts, played by libstrophe's clients."""

import harness
from chatter import archive, converse, need_slixmpp


def test(args):
    need_slixmpp()
    with harness.Ejabberd() as ejabberd, harness.Stentor(args.stentord, host=ejabberd) as stentor:
        ejabberd.await_component()

        def restart():
            stentor.again()
            ejabberd.await_component()
        harness.talk(args, ejabberd.port)
        converse(ejabberd.port)
        print("through ejabberd: talked")
        archive(ejabberd.port, restart)
        print("through ejabberd: read the archive, after a restart too")
        # ejabberd writes every stanza it passes on anew, with body, subject and status at the end.
        harness.play(args, ejabberd.port, "through ejabberd", ["--tls", "off", "--reordered"],
                     restart)


if __name__ == "__main__":
    harness.main(test, __doc__)
