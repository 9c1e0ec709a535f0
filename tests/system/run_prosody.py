"""Depth three: every conversation script through a real Prosody, with stentord as its component;
then a whole conversation of ordinary clients, those of libstrophe and those of slixmpp."""

import harness
from chatter import archive, converse, need_slixmpp
from rawclient import RawClient


def goodbye(prosody, stentor):
    """Who is inside is told that the service ends, if that is what the operator wants."""
    own = f"goodbye@{harness.MUC_DOMAIN}/User"
    with RawClient(prosody.port) as client:
        client.login(harness.ACCOUNTS[0], harness.PASSWORD)
        client.join(*own.split("/"))
        stentor.process.terminate()
        gone = client.until(lambda stanza: stanza.get("from") == own and
                            stanza.get("type") == "unavailable")
        codes = {status.get("code") for status in gone.findall(".//{*}status")}
        assert {"110", "332"} <= codes, codes


def test(args):
    with harness.Prosody() as prosody, harness.Stentor(args.stentord, host=prosody) as stentor:
        prosody.await_component()

        def restart():
            stentor.again()
            prosody.await_component()
        harness.play(args, prosody.port, "through Prosody", ["--tls", "off"], restart)
        harness.talk(args, prosody.port)
        need_slixmpp()
        converse(prosody.port)
        print("through Prosody: talked")
        archive(prosody.port, restart)
        print("through Prosody: read the archive, after a restart too")
        stentor.settings["store.handover"] = "off"  # a stop is to be told, not slept through
        restart()
        goodbye(prosody, stentor)


if __name__ == "__main__":
    harness.main(test, __doc__)
