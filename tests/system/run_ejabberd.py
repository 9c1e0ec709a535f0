"""ejabberd as host, stentord as its component: a whole conversation of ordinary clients, those of
libstrophe and those of slixmpp, then the scripts, played by libstrophe's clients."""

import harness
from chatter import archive, converse, need_slixmpp


def test(args):
    need_slixmpp()
    with harness.Ejabberd() as ejabberd, harness.Stentor(args.stentord, host=ejabberd) as stentor:
        ejabberd.await_component()
        harness.talk(args, ejabberd.port)
        converse(ejabberd.port)
        print("through ejabberd: talked")
        archive(ejabberd.port, lambda: (stentor.again(), ejabberd.await_component()))
        print("through ejabberd: read the archive, after a restart too")
        scripts = harness.scripts_of(args)
        # ejabberd writes every stanza it passes on anew, with body, subject and status at the end.
        failed = harness.play(args, ejabberd.port, scripts, ["--tls", "off", "--reordered"])
        print(f"through ejabberd: {len(scripts) - len(failed)} of {len(scripts)} scripts played")
        assert not failed, "through ejabberd: " + ", ".join(failed)


if __name__ == "__main__":
    harness.main(test, __doc__)
