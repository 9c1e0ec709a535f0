"""Ordinary clients and a guest talk in a room of stentord alone: those of libstrophe, then those of
slixmpp in the clear, and over TLS with a certificate they verify, and read the archive."""

import harness
from chatter import archive, converse, need_slixmpp


def test(args):
    with harness.certificate() as (certificate, key):
        settings = {"client.certificate": certificate, "client.key": key}
        with harness.Stentor(args.stentord, client=True, settings=settings) as stentor:
            stentor.register_accounts()
            harness.talk(args, stentor.port)
            need_slixmpp()
            converse(stentor.port)
            print("in the clear: talked")
            converse(stentor.port, certificate)
            print("over TLS: talked")
            archive(stentor.port, stentor.again, certificate)
            print("read the archive, after a restart too")


if __name__ == "__main__":
    harness.main(test, __doc__)
