"""Depth three: every conversation script through a real Prosody, with stentord as its component."""

import harness


def test(args):
    with harness.Prosody() as prosody, harness.Stentor(args.stentord, host=prosody):
        prosody.await_component()
        scripts = harness.scripts_of(args)
        failed = harness.play(args, prosody.port, scripts, ["--tls", "off"])
        print(f"through Prosody: {len(scripts) - len(failed)} of {len(scripts)} scripts played")
        assert not failed, "through Prosody: " + ", ".join(failed)


if __name__ == "__main__":
    harness.main(test, __doc__)
