"""A board that looks lived in: what `flask --app app demo` fills the account `demo` with."""

import datetime
import re
import time

import labels

DAY = 86400

#: The labels and their colours.
LABELS = {"bug": "red", "client": "blue", "release": "purple", "writing": "amber", "home": "green"}

#: Columns, tickets and to-dos from top to bottom; a ticket's number says how many days ago it came to its column, what
#: follows are its labels, and in how many days it is due. Its description follows a ">".
BOARD = """
# todo
Answer the accountant about the VAT return (1) #client !2
- [ ] Find the three receipts from the Lisbon trip
- [ ] Ask whether the old laptop can be written off
- [ ] Send the reply before Tuesday
Login fails with an umlaut in the name (2) #bug !-2
- [x] Reproduce it with “Jürgen”
- [ ] Compare how the two pages normalise the name
- [ ] Write the test first
- [ ] Tell the two people who reported it
Plan the December release (3) #release
- [ ] Close what is half done
- [ ] Draft the notes: three sentences a feature
- [ ] Try the upgrade on a copy of the real data
- [ ] Pick a day that isn't a Friday
- [ ] Write to the translators
- [ ] Announce it
Replace the kitchen tap (4) #home
> The old one is 35 mm, a *single lever*; see the [plumber's notes](https://example.org/taps) before buying.
- [ ] Shut-off valve: does it still turn?
- [ ] Measure the hole
- [ ] New hoses too
Ask three printers for an offer, with samples on recycled paper (5) #client #writing !8
- [x] Weißmann & Sons
- [x] The cooperative near the station
- [ ] The online one, if they post samples at all
Read the lease again before the landlord calls (6) #home !1
- [ ] Mark what it says about the cellar
- [ ] Look up the notice period
Back up the photos from the old phone (8)
- [ ] Find its charger
- [ ] Copy, then count both sides
- [ ] Only then wipe it
Learn enough Portuguese to order without pointing (11)
- [x] Numbers to a hundred
- [ ] Food
- [ ] “The bill, please”
Café für die Lesung finden (12) #writing
- [ ] Ask about chairs: we need forty
- [ ] A microphone, or a loud voice
# in_progress
Import tickets from a CSV file (0) #release !5
> People arrive with a spreadsheet. Whatever its columns are called, they should be on the board within a minute, with
> nothing lost.
- [x] Read the file in chunks, not at once
- [x] Map the columns by header name
- [x] Show a preview of the first 20 rows
- [x] Reject a file with no title column, with a clear message
- [ ] Import 10,000 rows under two seconds
- [ ] Undo a whole import in one step
- [ ] Write the help page
Write the chapter on irrigation (2) #writing
- [x] Outline
- [x] The interview with Dona Amélia, typed up
- [ ] A drawing of the channel and its three gates
- [ ] First draft
- [ ] Let it rest for a week
Onboard the new supplier (3) #client
- [x] Contract signed by both
- [x] First order, a small one
- [x] Check the delivery against the order
- [ ] Put them in the address book
Teach Anouk to ride without stabilisers (6) #home
- [x] Lower the saddle
- [x] Down the gentle slope behind the school
- [ ] Braking
Cut the page weight of the shop by half (9)
- [x] Measure first
- [x] Pictures in the size in which they are shown
- [ ] One font instead of four
- [ ] Measure again, on the old phone
# done
Renew the domain (0)
- [x] Check the card on file
- [x] Two years, not ten
Fix the rounding of line totals (0) #bug
- [x] A test with 0.1 + 0.2
- [x] Whole cents everywhere
- [x] Credit the eleven invoices that were off by one
Book the venue (2)
- [x] Compare the two halls
- [x] Ask who locks up at night
- [x] Deposit
Send the October invoices (3) #client
- [x] Hours from the calendar
- [x] The two that need a purchase number
Replace the doorbell battery (10)
- [x] CR2032, two of them
Back up the old laptop (13)
- [x] Documents
- [x] The mail archive
- [x] Keys and certificates
- [x] Try to restore one file of each
Return the borrowed drill (13)
- [x] Buy the bit that broke
Explain the new VAT rate on the price page (14)
- [x] One sentence, no law
- [x] Ask Noor whether she understands it
Give the board a dark theme (15)
- [x] Contrast of every pair of colours
- [x] The mountain by night
- [x] Follow the system unless told otherwise
Sharpen the kitchen knives (16)
- [x] Find the whetstone
- [x] Bread knife stays as it is
Move the mailing list (17)
- [x] Export the addresses
- [x] Ask everyone once, not twice
- [x] Switch off the old one
Answer Łukasz's question about shipping (19)
- [x] Weight with packaging
- [x] Customs form
- [x] Two prices, by ship and by plane
Plant the garlic (20)
- [x] Forty cloves, the big ones
- [x] Straw on top
Make the search find “cafe” for “café” (21)
- [x] Fold accents on both sides
- [x] Turkish dotless i
Repair the wobbly chair (23) #home
- [x] Glue
- [x] Clamp it over night
- [x] Felt under the legs
Interview for the second cook (24)
- [x] Questions, the same for all five
- [x] A trial shift, paid
- [x] Call the ones who didn't get it
File the water meter reading (25)
- [x] Photo of the dial
Sort the bolts by length (26)
- [x] Jars with lids
- [x] Throw out the bent ones
Invite the neighbours for soup (27)
- [x] Pumpkin or lentil: both
- [x] Bread from the corner
- [x] Borrow bowls
- [x] A pot without meat
Update the server (29)
- [x] Snapshot
- [x] Read the release notes to the end
- [x] Reboot on Sunday morning
Write the obituary for the old van (31)
- [x] The three journeys worth telling
- [x] A photo without the dent
- [x] Ask Tomás for the mileage
Order the winter tyres (33)
- [x] Read the size off the old ones
- [x] Ask about the used set
- [x] Book the fitting
Translate the menu (35)
- [x] English
- [x] Português
- [x] Allergens as numbers
- [x] العربية
- [x] Have a guest read it aloud
Pay the bicycle insurance (37)
- [x] Frame numbers of both
Draw the floor plan to scale (41)
- [x] Measure twice
- [x] Doors open the right way
- [x] Print at 1:50
Choose a name (58)
- [x] Thirty on paper
- [x] Strike out the ones that mean something rude somewhere
- [x] Say each one on the telephone
- [x] NIKKO
"""


def tickets():
    """Yield (status, title, days, [(done, text)], labels, due, [line of the description]) from top to bottom."""
    status, ticket = None, None
    for line in BOARD.strip().splitlines():
        if line.startswith("# "):
            status = line[2:]
        elif line.startswith("- ["):
            ticket[3].append((line[3] == "x", line[6:]))
        elif line.startswith("> "):
            ticket[6].append(line[2:])
        else:
            if ticket:
                yield ticket
            title, days, names, due = re.fullmatch(r"(.*) \((\d+)\)((?: #\w+)*)(?: !(-?\d+))?", line).groups()
            ticket = (status, title, int(days), [], re.findall(r"\w+", names), due and int(due), [])
    yield ticket


def fill(journal, user_id, now=None):
    """Add the whole board to that person's, each ticket at its time before `now`, as actions like any other."""
    now = int(now or time.time())
    board, label_ids = list(tickets()), {}
    for status in ("done", "todo", "in_progress"):
        for ticket in reversed([ticket for ticket in board if ticket[0] == status]):
            add(journal, user_id, now, label_ids, *ticket)


def add(journal, user_id, now, label_ids, status, title, days, todos, names, due, description):
    """Add one ticket at the top, with its to-dos and new labels, and work on it: the longer, the more to-dos it has."""
    arrived = now - days * DAY
    started = arrived - (len(todos) ** 2 * (2 + len(title) % 7) * DAY // 10 if status == "done" else 0)
    created = started - (3 * DAY if status != "todo" else 0)
    column = {"user_id": user_id, "status": "todo"}
    with journal.action(user_id, "add") as action:
        action.now = created
        for name in names:
            if name not in label_ids:
                label = {"name": name, "name_key": labels.key(name), "colour": LABELS[name]}
                label_ids[name] = action.add("labels", user_id=user_id, **label)
        action.ticket_id = ticket_id = action.add(
            "tickets",
            **column,
            title=title,
            status_since=created,
            position=action.top("tickets", column),
            labels=labels.stored([label_ids[name] for name in names]),
            due=due and str(datetime.date.fromtimestamp(now + due * DAY)),
            description=" ".join(description),
        )
    with journal.action(user_id, "todo_add", ticket_id) as action:
        action.now = created
        todo_ids = [
            action.add("todos", ticket_id=ticket_id, text=text, done=0, position=float(place))
            for place, (_, text) in enumerate(todos)
        ]
    for todo_id, (done, _) in zip(todo_ids, todos):
        with journal.action(user_id, "todo_tick", ticket_id) as action:
            action.now = arrived
            action.change("todos", todo_id, done=int(done))
    way = {"todo": [], "in_progress": ["in_progress"], "done": ["in_progress", "done"]}[status]
    for each, since in zip(way, (started, arrived)):
        with journal.action(user_id, "move", ticket_id) as action:
            action.now = since
            place = action.top("tickets", {"user_id": user_id, "status": each})
            action.change("tickets", ticket_id, status=each, status_since=since, position=place)
