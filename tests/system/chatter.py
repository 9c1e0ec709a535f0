"""Two people and a third who use slixmpp as a bot writer would: the same conversation against
whatever server is at the port, and what they find of it in the archive, later too. Shared by
clients.py, run_prosody.py and run_ejabberd.py."""

import asyncio
import logging
import ssl

try:
    import slixmpp
    from slixmpp.xmlstream.handler import Collector
    from slixmpp.xmlstream.matcher import MatchXPath
except ImportError:
    slixmpp = None

from harness import ACCOUNTS, DOMAIN, MUC_DOMAIN, PASSWORD, Skip

WAIT_S = 10
EVENTS = ("groupchat_message", "groupchat_subject", "groupchat_presence", "groupchat_invite",
          "groupchat_config_status", "message")


def need_slixmpp():
    if slixmpp is None:
        raise Skip("slixmpp is not installed (Debian package python3-slixmpp)")
    logging.basicConfig(level=logging.CRITICAL)


class Chatter:
    """One session, and everything that came to it, in order."""

    def __init__(self, account, port, authority=None):
        """`authority`: PEM file that must have signed the server's certificate; None: no TLS."""
        self.client = slixmpp.ClientXMPP(f"{account}@{DOMAIN}", PASSWORD)
        for plugin in ("xep_0004", "xep_0030", "xep_0045", "xep_0077", "xep_0092", "xep_0199",
                       "xep_0203", "xep_0313"):
            self.client.register_plugin(plugin)
        self.muc = self.client.plugin["xep_0045"]
        self.port = port
        self.authority = authority
        self.came = []
        self.news = asyncio.Event()
        for event in EVENTS:
            self.client.add_event_handler(
                event, lambda stanza, kind=event: self.on_event(kind, stanza))

    def on_event(self, kind, stanza):
        self.came.append((kind, stanza))
        self.news.set()

    async def until(self, kind, fits, what):
        """Takes the first event of that kind that fits; what came before it stays for later."""
        async def search():
            while True:
                self.news.clear()
                for at, (seen, stanza) in enumerate(self.came):
                    if seen == kind and fits(stanza):
                        del self.came[at]
                        return stanza
                await self.news.wait()
        try:
            return await asyncio.wait_for(search(), WAIT_S)
        except asyncio.TimeoutError:
            came = "\n".join(str(stanza) for _, stanza in self.came)
            raise AssertionError(
                f"{self.client.boundjid}: no {what}; there came:\n{came}") from None

    async def arrive(self):
        started = asyncio.get_running_loop().create_future()

        def settle(result):
            if not started.done():
                started.set_result(result)
        self.client.add_event_handler("session_start", lambda _: settle(None))
        self.client.add_event_handler("failed_all_auth", lambda _: settle("the login was refused"))
        self.client.add_event_handler("connection_failed", lambda why: settle(str(why)))
        if self.authority:
            self.client.ca_certs = self.authority
            self.client.ssl_context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.client.connect(("127.0.0.1", self.port), force_starttls=bool(self.authority),
                            disable_starttls=not self.authority)
        problem = await asyncio.wait_for(started, WAIT_S)
        assert problem is None, problem

    async def join(self, room, nick):
        presence, subject, occupants, history = await self.muc.join_muc_wait(
            room, nick, timeout=WAIT_S)
        return presence["muc"]["status_codes"], subject, \
            {who["from"].resource for who in occupants}, [line["body"] for line in history]

    def say(self, room, text):
        self.client.send_message(mto=room, mbody=text, mtype="groupchat")

    async def hear(self, text):
        return await self.until("groupchat_message", lambda message: message["body"] == text,
                                f"message '{text}'")

    async def see(self, nick, kind, what):
        """Presence of a nickname: kind 'available' or 'unavailable'."""
        def fits(presence):
            shown = "unavailable" if presence["type"] == "unavailable" else "available"
            return presence["from"].resource == nick and shown == kind
        return await self.until("groupchat_presence", fits, what)

    async def go(self):
        self.client.disconnect(wait=1)
        await asyncio.wait_for(self.client.disconnected, WAIT_S)


# ---- the conversation ----

async def open_room(alice, room):
    codes, _, occupants, _ = await alice.join(room, "Alice")
    assert {110, 201} <= codes, codes
    assert occupants == {"Alice"}, occupants
    form = await alice.muc.get_room_config(room, timeout=WAIT_S)
    fields = form.get_fields()
    assert {"muc#roomconfig_roomname", "muc#roomconfig_membersonly"} <= set(fields), list(fields)
    fields["muc#roomconfig_roomname"]["value"] = "A room of the tests"
    await alice.muc.set_room_config(room, form, timeout=WAIT_S)
    info = await alice.client["xep_0030"].get_info(jid=room, timeout=WAIT_S)
    assert "http://jabber.org/protocol/muc" in info["disco_info"]["features"]


async def talk(alice, bob, room):
    _, subject, occupants, _ = await bob.join(room, "Bob")
    assert subject["subject"] == "", subject
    assert occupants == {"Alice", "Bob"}, occupants
    await alice.see("Bob", "available", "Bob's arrival")
    for chatter, text in ((alice, "hello"), (bob, "good evening, <Alice> & all")):
        chatter.say(room, text)
        assert await alice.hear(text) and await bob.hear(text)
    alice.muc.set_subject(room, "The weather")
    for chatter in (alice, bob):
        await chatter.until("groupchat_subject", lambda line: line["subject"] == "The weather",
                            "new subject")
    bob.client.send_message(mto=f"{room}/Alice", mbody="between us", mtype="chat")
    private = await alice.until("message", lambda line: line["body"] == "between us",
                                "private message")
    assert private["from"] == f"{room}/Bob" and private["type"] == "chat", private


async def rename_and_kick(alice, bob, room):
    bob.client.send_presence(pto=f"{room}/Robert")
    for chatter in (alice, bob):
        gone = await chatter.see("Bob", "unavailable", "end of the old nickname")
        assert 303 in gone["muc"]["status_codes"], gone
        await chatter.see("Robert", "available", "new nickname")
    await alice.muc.set_affiliation(room, "member", jid=f"{ACCOUNTS[1]}@{DOMAIN}", timeout=WAIT_S)
    members = await alice.muc.get_affiliation_list(room, "member", timeout=WAIT_S)
    assert members == [f"{ACCOUNTS[1]}@{DOMAIN}"], members
    await alice.muc.set_role(room, "Robert", "none", reason="bedtime", timeout=WAIT_S)
    for chatter in (alice, bob):
        gone = await chatter.see("Robert", "unavailable", "kick")
        assert 307 in gone["muc"]["status_codes"], gone
        assert "bedtime" in str(gone), gone


async def refused(request, condition):
    """What is asked must be refused; plugins raise the error they are answered."""
    try:
        await request
    except (slixmpp.exceptions.IqError, slixmpp.exceptions.PresenceError) as error:
        given = error.presence if hasattr(error, "presence") else error.iq
        assert given["error"]["condition"] == condition, given
        return
    raise AssertionError(f"that was not refused with {condition}")


async def register(alice, bob, room):
    """A member takes a nickname for its own, and it is kept while he is away."""
    plugin = bob.client["xep_0077"]
    answer = await plugin.get_registration(jid=room, timeout=WAIT_S)
    form = answer["register"]["form"]
    assert "muc#register_roomnick" in form.get_fields(), answer
    request = bob.client.make_iq_set(ito=room)
    request["register"]["form"]["type"] = "submit"
    request["register"]["form"].add_field(
        var="FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/muc#register")
    request["register"]["form"].add_field(var="muc#register_roomnick", value="Bob")
    await request.send(timeout=WAIT_S)
    answer = await plugin.get_registration(jid=room, timeout=WAIT_S)
    assert answer["register"]["registered"] and answer["register"]["username"] == "Bob", answer
    await refused(alice.join(room, "Bob"), "conflict")


async def ban(alice, bob, carol, room):
    """Only admins ban; who is banned is put out and stays out until the ban is lifted."""
    address = f"{ACCOUNTS[2]}@{DOMAIN}"
    await refused(bob.muc.set_affiliation(room, "outcast", jid=address, timeout=WAIT_S),
                  "forbidden")
    await alice.muc.set_affiliation(room, "outcast", jid=address, reason="too loud",
                                    timeout=WAIT_S)
    for chatter in (alice, bob, carol):
        gone = await chatter.see("Carol", "unavailable", "ban")
        assert 301 in gone["muc"]["status_codes"] and "too loud" in str(gone), gone
    assert await alice.muc.get_affiliation_list(room, "outcast", timeout=WAIT_S) == [address]
    await refused(carol.join(room, "Carol"), "forbidden")
    await alice.muc.set_affiliation(room, "none", jid=address, timeout=WAIT_S)


async def return_and_leave(alice, bob, carol, room):
    _, subject, _, history = await bob.join(room, "Bob")
    assert subject["subject"] == "The weather", subject
    assert history == ["hello", "good evening, <Alice> & all"], history
    await alice.see("Bob", "available", "Bob's return")
    alice.muc.invite(room, f"{ACCOUNTS[2]}@{DOMAIN}", "we are talking")
    invitation = await carol.until("groupchat_invite", lambda _: True, "invitation")
    assert invitation["from"] == room and "we are talking" in str(invitation), invitation
    await carol.join(room, "Carol")
    await ban(alice, bob, carol, room)
    await carol.join(room, "Carol")
    bob.muc.leave_muc(room, "Bob")
    await alice.see("Bob", "unavailable", "Bob's leaving")
    for arrival in ("Carol's arrival", "Carol's return"):
        await alice.see("Carol", "available", arrival)
    carol.client.abort()
    await alice.see("Carol", "unavailable", "Carol's vanishing")


async def end_room(alice, bob, room):
    await bob.join(room, "Bob")
    await alice.see("Bob", "available", "Bob's last arrival")
    await alice.muc.destroy(room, "all is said", timeout=WAIT_S)
    gone = await bob.see("Bob", "unavailable", "end of the room")
    assert "all is said" in str(gone), gone


async def conversation(port, authority=None):
    room = f"talk-{'tls' if authority else 'clear'}@{MUC_DOMAIN}"
    alice, bob, carol = (Chatter(account, port, authority) for account in ACCOUNTS)
    for chatter in (alice, bob, carol):
        await chatter.arrive()
    carol.client.send_presence()
    await open_room(alice, room)
    await talk(alice, bob, room)
    await rename_and_kick(alice, bob, room)
    await register(alice, bob, room)
    await return_and_leave(alice, bob, carol, room)
    await end_room(alice, bob, room)
    for chatter in (alice, bob):
        await chatter.go()


# ---- the archive ----

ARCHIVED = f"archive-talk@{MUC_DOMAIN}"


async def open_archive(alice):
    """A room that is kept and archived, and says so to who is inside."""
    await alice.join(ARCHIVED, "Alice")
    form = await alice.muc.get_room_config(ARCHIVED, timeout=WAIT_S)
    fields = form.get_fields()
    for field in ("persistentroom", "enablearchiving"):
        fields[f"muc#roomconfig_{field}"]["value"] = True
    await alice.muc.set_room_config(ARCHIVED, form, timeout=WAIT_S)
    await alice.until("groupchat_config_status",
                      lambda notice: 170 in notice["muc"]["status_codes"], "word of the archive")
    info = await alice.client["xep_0030"].get_info(jid=ARCHIVED, timeout=WAIT_S)
    assert "urn:xmpp:mam:2#extended" in info["disco_info"]["features"]


def row_of(result):
    return result["mam_result"]["id"], result["mam_result"]["forwarded"]["stanza"]["body"]


async def found(chatter, **query):
    """Ids and texts of what the plugin finds, page by page."""
    return [row_of(result)
            async for result in chatter.client["xep_0313"].iterate(jid=ARCHIVED, **query)]


async def found_backwards(chatter):
    """The newest first. The plugin itself goes no further back than one page where the server says
    how many there are."""
    rows = await found(chatter, rsm={"max": 4}, reverse=True)
    page = rows
    while page:
        answer = await chatter.client["xep_0313"].retrieve(
            jid=ARCHIVED, rsm={"max": 4, "before": rows[-1][0]}, timeout=WAIT_S)
        page = [row_of(result) for result in answer["mam"]["results"]]
        rows += page[::-1]
    return rows


async def found_by_ids(chatter, **fields):
    """By what the plugin's stanza knows and its search does not: before_id, after_id, ids."""
    request = chatter.client.make_iq_set(ito=ARCHIVED)
    request["mam"]["queryid"] = request["id"]
    for field, value in fields.items():
        request["mam"][field] = value
    results = Collector(f"by ids {request['id']}",
                        MatchXPath("{jabber:client}message/{urn:xmpp:mam:2}result"))
    chatter.client.register_handler(results)
    await request.send(timeout=WAIT_S)
    return [row_of(result) for result in results.stop()]


async def look_through_by_ids(chatter, every):
    """Some in another order than they were said in, and what lies between two."""
    ids = [number for number, _ in every]
    assert await found_by_ids(chatter, ids=[ids[7], ids[2], ids[5]]) == \
        [every[2], every[5], every[7]]
    assert await found_by_ids(chatter, after_id=ids[1], before_id=ids[6]) == every[2:6]
    await refused(found_by_ids(chatter, ids=[ids[0], "unknown"]), "item-not-found")


async def look_through(chatter):
    """All of it: forwards, backwards, by speaker, by ids, and its ends; returns it."""
    plugin = chatter.client["xep_0313"]
    every = await found(chatter, rsm={"max": 4})
    assert len({number for number, _ in every}) == len(every), every
    back = await found_backwards(chatter)
    assert back == every[::-1], back
    assert await found(chatter, rsm={"max": 50}) == every
    of_alice = await found(chatter, with_jid=f"{ARCHIVED}/Alice")
    assert of_alice == [row for row in every if row[1].startswith("Alice")], of_alice
    form = await plugin.get_fields(jid=ARCHIVED, timeout=WAIT_S)
    assert {"with", "start", "end", "before-id", "after-id", "ids"} <= set(form.get_fields())
    ends = (await plugin.get_archive_metadata(jid=ARCHIVED, timeout=WAIT_S))["mam_metadata"]
    assert (ends["start"]["id"], ends["end"]["id"]) == (every[0][0], every[-1][0]), ends
    since = await found(chatter, start=ends["end"]["timestamp"])
    assert since == every[-1:], since
    await look_through_by_ids(chatter, every)
    return every


async def fill_archive(port, authority):
    alice, bob = (Chatter(account, port, authority) for account in ACCOUNTS[:2])
    for chatter in (alice, bob):
        await chatter.arrive()
    await open_archive(alice)
    codes, _, _, _ = await bob.join(ARCHIVED, "Bob")
    assert 170 in codes, codes
    said = [f"{name} {number}" for number in range(5) for name in ("Alice", "Bob")]
    for text in said:
        (alice if text.startswith("Alice") else bob).say(ARCHIVED, text)
        live = [await chatter.hear(text) for chatter in (alice, bob)]
    every = await look_through(alice)
    assert [text for _, text in every] == said, every
    assert f"id='{every[-1][0]}'" in str(live[0]).replace('"', "'"), live[0]
    bob.muc.leave_muc(ARCHIVED, "Bob")
    await alice.see("Bob", "unavailable", "Bob's leaving")
    assert await look_through(bob) == every  # from outside too
    for chatter in (alice, bob):
        await chatter.go()
    return every


async def read_again(port, authority, every):
    """All of it is there, and goes on; who enters is shown it too."""
    alice = Chatter(ACCOUNTS[0], port, authority)
    await alice.arrive()
    assert await look_through(alice) == every
    codes, _, _, history = await alice.join(ARCHIVED, "Alice")
    assert 170 in codes and history == [text for _, text in every], (codes, history)
    alice.say(ARCHIVED, "Alice at last")
    await alice.hear("Alice at last")
    now = await look_through(alice)
    assert now[:-1] == every and now[-1][1] == "Alice at last", now
    await alice.muc.destroy(ARCHIVED, timeout=WAIT_S)
    await alice.go()


# ---- from outside ----

def run(work):
    """In a loop of its own."""
    need_slixmpp()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(asyncio.wait_for(work, 60))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def converse(port, authority=None):
    run(conversation(port, authority))


def archive(port, restart, authority=None):
    """They read what they have said, before and after restart()."""
    every = run(fill_archive(port, authority))
    restart()
    run(read_again(port, authority, every))
