"""Depth two: every conversation script over TCP against stentord alone, then again over TLS. One
server serves all scripts of a run, so that they also show that rooms do not disturb each other."""

import harness


def run(args, label, extra, settings):
    with harness.Stentor(args.stentord, client=True, settings=settings) as stentor:
        stentor.register_accounts()
        scripts = harness.scripts_of(args)
        failed = harness.play(args, stentor.port, scripts, extra)
        print(f"{label}: {len(scripts) - len(failed)} of {len(scripts)} scripts played")
        assert not failed, f"{label}: " + ", ".join(failed)


def test(args):
    run(args, "in the clear", ["--tls", "off"], {})
    with harness.certificate() as (certificate, key):
        run(args, "over TLS", ["--tls", "require"],
            {"client.certificate": certificate, "client.key": key})


if __name__ == "__main__":
    harness.main(test, __doc__)
