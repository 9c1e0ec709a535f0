"""The link to the host drops and comes back: rooms keep their state, whoever has missed something is
told so first and finds it in the archive, and nobody else is told anything; who is still there is
asked for at a bounded rate. The host is one of which every byte is ours."""

import xml.etree.ElementTree as ElementTree

import harness
from hosted import (BOB, CAROL, NS_SID, OWNER, Service, answer_some, await_pings,
                    codes_of, is_leave, said)
from harness import MUC_DOMAIN, PASSWORD, RawClient
from rawclient import NS_CLIENT, NS_MUC, name

NS_MAM = "urn:xmpp:mam:2"
NS_DATA = "jabber:x:data"
NEARBY = "nearby.example"
ROOM = f"kept@{MUC_DOMAIN}"
SILENT = f"silent@{MUC_DOMAIN}"
KEPT = {"client.domain": NEARBY, "muc.defaults.persistent": "on", "muc.defaults.archive": "on"}
CROWD = 2000
LOOKS = 3
QUIET_S = 0.7


def somebody_near(service):
    """Who is connected to us directly, and so is heard while the link is down."""
    RawClient(service.stentor.port, domain=NEARBY).register("near", PASSWORD)
    return RawClient(service.stentor.port, domain=NEARBY).login("near", PASSWORD)


def lose_link(service):
    service.link.socket.close()
    service.stentor.await_log("component link: lost")


def missed_since(service, who, room, number):
    """Ids and texts that the archive has after that id."""
    fields = f"<field var='FORM_TYPE'><value>{NS_MAM}</value></field>" \
             f"<field var='after-id'><value>{number}</value></field>"
    service.link.stanza("iq", who, room, f"<query xmlns='{NS_MAM}'><x xmlns='{NS_DATA}' "
                        f"type='submit'>{fields}</x></query>", type="set", id="gap")
    found = []
    while True:
        element = service.link.next()
        if element.get("id") == "gap":
            assert element.get("type") == "result", ElementTree.tostring(element)
            assert element.find(f"{{{NS_MAM}}}fin").get("complete") == "true"
            return found
        result = element.find(f"{{{NS_MAM}}}result")
        if result is not None:
            found.append((result.get("id"), result.findtext(f".//{{{NS_CLIENT}}}body")))


def the_gap_is_in_the_archive(args):
    """Others have spoken meanwhile: that is the first thing those behind the link learn, and what
    they ask for after the last that they know is exactly that."""
    with Service(args, client=True, settings=KEPT) as service:
        for who, nick in ((OWNER, "owner"), (BOB, "Bob"), (CAROL, "Carol")):
            service.link.enter(who, ROOM, nick)
            service.link.enter(who, SILENT, nick)
        near = somebody_near(service)
        near.join(ROOM, "Near")
        last = [service.say(OWNER, ROOM, f"text {number}") for number in range(5)][-1]
        near.hear("text 4")
        said(service.link, 0.2)
        lose_link(service)
        missed = []
        for number in range(30):
            near.say(ROOM, f"missed {number}")
            heard = near.hear(f"missed {number}")
            missed.append((heard.find(f"{{{NS_SID}}}stanza-id").get("id"), f"missed {number}"))
        service.connect()
        told = said(service.link, QUIET_S)
        assert all(is_leave(element) and codes_of(element) == {"110", "333"} for element in told), \
            [ElementTree.tostring(element) for element in told]
        assert sorted((element.get("to"), element.get("from")) for element in told) == \
            [(BOB, f"{ROOM}/Bob"), (CAROL, f"{ROOM}/Carol"), (OWNER, f"{ROOM}/owner")], told
        service.link.stanza("presence", BOB, f"{ROOM}/Bob",
                            f"<x xmlns='{NS_MUC}'><history maxstanzas='0'/></x>")
        service.link.until(lambda element: element.get("to") == BOB and name(element) == "message")
        assert missed_since(service, BOB, ROOM, last) == missed
        near.say(ROOM, "and on")
        service.link.heard_by(BOB, "and on")
        assert [text for _, text in missed_since(service, BOB, ROOM, missed[-1][0])] == ["and on"]
        # where nothing was said, nobody has left
        service.say(OWNER, SILENT, "nothing missed")


def who_is_still_there_is_asked_in_turn(args):
    """A crash, and a link that drops again at once: nobody is told anything. All are asked for a
    sign of life, not more of them at a time than may be; who is not there any more is put out."""
    settings = {"muc.defaults.persistent": "on", "muc.defaults.ping_minutes": "1",
                "muc.defaults.broadcast": "moderator", "muc.defaults.see_all": "on"}
    users = [f"user{number}@host.example/home" for number in range(CROWD)]
    with Service(args, settings=settings) as service:
        service.link.enter(OWNER, ROOM, "owner")
        for number, user in enumerate(users):
            service.link.enter(user, ROOM, f"n{number}")
        service.say(OWNER, ROOM, "all are inside")
        said(service.link, 0.3)
        service.crash()
        service.again()  # from here on, it looks at some of them every two seconds
        lose_link(service)
        service.connect()
        asked = await_pings(service, LOOKS)
        here = answer_some(service, asked)
        service.say(min(here), ROOM, "still here")


CASES = (the_gap_is_in_the_archive, who_is_still_there_is_asked_in_turn)


def test(args):
    harness.run_cases(CASES, args.only, args)


if __name__ == "__main__":
    harness.main(test, __doc__)
