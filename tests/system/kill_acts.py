"""What people do in kill_test: each act is written to the link with the next flush, and noted in what
is known of the room (kill_model.py)."""

from kill_model import NOBODY, NS_RETRACT, Register
from rawclient import NS_MUC, NS_REGISTER

NS_DATA = "jabber:x:data"
NS_FALLBACK = "urn:xmpp:fallback:0"
NS_HINTS = "urn:xmpp:hints"
NS_MODERATE = "urn:xmpp:message-moderate:1"
NS_VCARD = "vcard-temp"
MEMBERS = 40
OLDEST = 40  # messages older than that are not taken back
FIELDS = {  # of the owner's form; what to set, a new number in it
    "muc#roomconfig_roomname": ("name {}",),
    "muc#roomconfig_roomdesc": ("description {}", ""),
    "muc#roomconfig_lang": ("en", "de", "fr"),
    "muc#roomconfig_allowinvites": ("0", "1"),
    "muc#roomconfig_allowpm": ("anyone", "participants", "moderators", "none"),
    "muc#roomconfig_allowvisitorstatus": ("0", "1"),
    "muc#roomconfig_changesubject": ("0", "1"),
    "muc#roomconfig_maxusers": ("none", "200", "500", "1000"),
    "muc#roomconfig_publicroom": ("0", "1"),
    "muc#roomconfig_pubsub": ("xmpp:pubsub.host.example?;node=n{}", ""),
    "muc#roominfo_contactjid": ("help{}@host.example",),
    "x-kick_equals": ("0", "1"),
    "x-keep_count": ("0", "900000"),
}


def field(var, value):
    return f"<field var='{var}'><value>{value}</value></field>"


def form(kind, fields):
    return f"<x xmlns='{NS_DATA}' type='submit'>" \
           f"{field('FORM_TYPE', f'{NS_MUC}#{kind}')}{''.join(fields)}</x>"


def request(driver, room, who, payload, register, value):
    number = f"r{driver.number()}"
    room.asks(number, payload, register, value)
    driver.send(f"<iq type='set' id='{number}' from='{who}' to='{room.jid}'>{payload}</iq>")


# ---- words ----

def say(driver, room):
    user = driver.random.choice(room.those_inside())
    text = f"text {driver.number()}"
    room.sent[text] = user
    driver.send(f"<message from='{user}' to='{room.jid}' type='groupchat'><body>{text}</body>"
                "</message>")


def set_subject(driver, room):
    text = f"topic {driver.number()}"
    room.sent[f"subject:{text}"] = room.owner
    room.subject.sent(text)
    driver.send(f"<message from='{room.owner}' to='{room.jid}' type='groupchat'>"
                f"<subject>{text}</subject></message>")


def moderate(driver, room):
    targets = room.recent()
    if not targets:
        return
    target = driver.random.choice(targets)
    room.sent[f"retract:{target}"] = None
    request(driver, room, room.owner, f"<moderate xmlns='{NS_MODERATE}' id='{target}'>"
            f"<retract xmlns='{NS_RETRACT}'/><reason>peace</reason></moderate>",
            room.graves.setdefault(target, Register(False)), True)


def retract(driver, room):
    inside = set(room.those_inside())
    targets = {target: room.author_of(target) for target in room.recent()}
    targets = [target for target, author in targets.items() if author in inside]
    if not targets:
        return
    target = driver.random.choice(targets)
    user = room.author_of(target)
    room.sent[f"retract:{target}"] = user
    room.graves.setdefault(target, Register(False)).sent(True)
    driver.send(f"<message from='{user}' to='{room.jid}' type='groupchat'>"
                f"<retract xmlns='{NS_RETRACT}' id='{target}'/><fallback xmlns='{NS_FALLBACK}' "
                f"for='{NS_RETRACT}'/><body>taken back</body><store xmlns='{NS_HINTS}'/></message>")


# ---- changes ----

def set_affiliation(driver, room):
    jid = f"m{driver.random.randrange(MEMBERS)}@host.example"
    register = room.affiliations.setdefault(jid, Register(NOBODY))
    word = driver.random.choice(("member", "admin", "outcast", "none"))
    number = driver.number()
    nick = f"reserved {number}" if word in ("member", "admin") else ""
    value = NOBODY if word == "none" else (word, nick, f"reason {number}")
    request(driver, room, room.owner,
            f"<query xmlns='{NS_MUC}#admin'><item jid='{jid}' affiliation='{word}'"
            f"{f' nick={nick!r}' if nick else ''}><reason>{value[2]}</reason></item></query>",
            register, value)


def set_role(driver, room):
    """Of somebody who is always inside, and never to what it is."""
    if not room.roles:
        return
    user = driver.random.choice(sorted(room.roles))
    register = room.roles[user]
    role = "participant" if register.last == "moderator" else "moderator"
    request(driver, room, room.owner, f"<query xmlns='{NS_MUC}#admin'><item "
            f"nick='{room.nick(user)}' role='{role}'/></query>", register, role)


def register_nick(driver, room):
    if not room.registrants:
        return
    user = driver.random.choice(room.registrants)
    register = room.affiliations.setdefault(user.split("/")[0], Register(NOBODY))
    if register.last != NOBODY and driver.random.random() < 0.4:
        request(driver, room, user, f"<query xmlns='{NS_REGISTER}'><remove/></query>", register,
                NOBODY)
        return
    nick = f"registered {driver.number()}"
    fields = form("register", [field("muc#register_roomnick", nick)])
    request(driver, room, user, f"<query xmlns='{NS_REGISTER}'>{fields}</query>", register,
            ("member", nick, ""))


def set_options(driver, room):
    fields = dict(room.options.last)
    changed = driver.random.sample(sorted(FIELDS), driver.random.randrange(1, 4))
    for var in changed:
        fields[var] = (driver.random.choice(FIELDS[var]).format(driver.number()),)
    written = form("roomconfig", [field(var, fields[var][0]) for var in changed])
    request(driver, room, room.owner, f"<query xmlns='{NS_MUC}#owner'>{written}</query>",
            room.options, tuple(sorted(fields.items())))


def set_avatar(driver, room):
    picture = f"{driver.number():08d}"  # base64 of something
    request(driver, room, room.owner, f"<vCard xmlns='{NS_VCARD}'><PHOTO><TYPE>image/png</TYPE>"
            f"<BINVAL>{picture}</BINVAL></PHOTO></vCard>", room.avatar, picture)


# ---- coming and going ----

def enter(driver, room, user):
    room.goes(user, True)
    driver.send(f"<presence from='{user}' to='{room.jid}/{room.nick(user)}'>"
                f"<x xmlns='{NS_MUC}'><history maxstanzas='0'/></x></presence>")


def come_or_go(driver, room):
    candidates = [user for user in room.wanderers if user not in room.gone]
    if not candidates:
        return
    user = driver.random.choice(candidates)
    if not room.inside[user].last:
        enter(driver, room, user)
        return
    room.goes(user, False)
    driver.send(f"<presence from='{user}' to='{room.jid}/{room.nick(user)}' type='unavailable'/>")


def make_or_destroy(driver, _):
    """One thing at a time: what is to become of a site is known before the next is asked."""
    site = driver.random.choice(driver.sites)
    room = site.room
    looking = room is not None and any("<moderate" in each.payload
                                       for each in room.waiting.values())
    if not site.is_settled or looking:
        return  # (a message is looked up without the room waiting for it)
    if room is None:
        room = driver.new_room(site.jid, driver.boss)
        site.state.sent(room)
        enter(driver, room, room.owner)
        return
    number, words = driver.sites.index(site), f"end {driver.number()}"
    driver.send(f"<iq type='set' id='site{number}-{site.state.sent(words)}' from='{room.owner}' "
                f"to='{room.jid}'><query xmlns='{NS_MUC}#owner'><destroy><reason>{words}</reason>"
                "</destroy></query></iq>")


CHANGES = (set_affiliation,) * 4 + (set_role, register_nick) * 3 + (set_options,) * 3 + (set_avatar,) * 2
ACTS = (say,) * 24 + CHANGES + (come_or_go,) * 3 + \
    (set_subject, moderate, retract, make_or_destroy) * 2


def burst(driver, count):
    for _ in range(count):
        act = driver.random.choice(ACTS)
        act(driver, driver.random.choice(driver.all_rooms()))
    driver.flush()
