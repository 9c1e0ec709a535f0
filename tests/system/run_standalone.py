"""Depth two: every conversation script over TCP against stentord alone, then again over TLS. One
store serves all scripts of a run, so that they also show that rooms do not disturb each other."""

import harness


def run(args, label, extra, settings):
    with harness.Stentor(args.stentord, client=True, settings=settings) as stentor:
        stentor.register_accounts()
        harness.play(args, stentor.port, label, ["--alone", *extra], stentor.again)


def test(args):
    run(args, "in the clear", ["--tls", "off"], {})
    with harness.certificate() as (certificate, key):
        run(args, "over TLS", ["--tls", "require"],
            {"client.certificate": certificate, "client.key": key})


if __name__ == "__main__":
    harness.main(test, __doc__)
