"""Lets a Gorgias client that we did not write read the stand-in, and compares what it read.

Fills a freshly started stand-in with customers, tickets, messages and surveys, runs the tap over
it, and compares the tap's records with the stand-in's own counters. Exit 1 on any difference.
"""

import argparse
import base64
import contextlib
import io
import json
import sys
import urllib.request
from collections import Counter

TICKETS = 250  # more than two pages of 100, so that every list has to be paged
LONG_EVERY = 50  # every so many tickets one is longer than a numbered page of messages
LONG_MESSAGES = 45
PER_PAGE = 30  # the page size of the deprecated message list, which the tap reads one page of


class Desk:
    def __init__(self, origin, email, key):
        self.origin = origin.rstrip("/")
        token = base64.b64encode(f"{email}:{key}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.origin + path, data=data, method=method, headers=self.headers
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")


def message(customer, number):
    return {
        "channel": "api",
        "via": "api",
        "from_agent": False,
        "sender": {"id": customer},
        "body_text": f"message {number}",
        "created_datetime": f"2024-03-01T10:{number:02}:00Z",
        "sent_datetime": f"2024-03-01T10:{number:02}:00Z",
    }


def fill(desk):
    """Writes the shop; gives back how many messages one page per ticket can show."""
    shown = 0
    for number in range(TICKETS):
        address = f"person-{number}@shop.example"
        customer = desk.call(
            "POST",
            "/api/customers",
            {
                "name": f"Person {number}",
                "channels": [{"type": "email", "address": address, "preferred": True}],
            },
        )["id"]
        count = LONG_MESSAGES if number % LONG_EVERY == 0 else 1 + number % 4
        ticket = desk.call(
            "POST",
            "/api/tickets",
            {
                "channel": "api",
                "via": "api",
                "status": "closed" if number % 2 else "open",
                "external_id": f"ticket-{number}",
                "imported": True,
                "created_datetime": "2024-03-01T10:00:00Z",
                "messages": [message(customer, minute) for minute in range(count)],
            },
        )["id"]
        desk.call(
            "POST",
            "/api/satisfaction-surveys",
            {
                "ticket_id": ticket,
                "customer_id": customer,
                "score": 1 + number % 5,
                "scored_datetime": "2024-03-02T10:00:00Z",
                "should_send_datetime": None,
            },
        )
        shown += min(count, PER_PAGE)
    return shown


def run_tap(options):
    """Runs the tap in this process, against the stand-in instead of the vendor's host."""
    sys.path.insert(0, options.tap)
    from tap_gorgias.client import GorgiasStream
    from tap_gorgias.tap import TapGorgias

    GorgiasStream.url_base = property(lambda stream: options.origin.rstrip("/"))
    config = {
        "subdomain": "stand-in",
        "email_address": options.email,
        "api_key": options.key,
        "start_date": "2020-01-01T00:00:00Z",
        "page_size": 100,
    }
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        TapGorgias(config=config, parse_env_config=False).sync_all()
    read, ids = Counter(), {}
    for line in out.getvalue().splitlines():
        line = json.loads(line)
        if line["type"] == "RECORD":
            read[line["stream"]] += 1
            ids.setdefault(line["stream"], set()).add(line["record"]["id"])
    return read, {stream: len(found) for stream, found in ids.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tap", required=True, help="folder that holds the package tap_gorgias")
    parser.add_argument("--origin", default="http://127.0.0.1:8711")
    parser.add_argument("--email", default="admin@shop.example")
    parser.add_argument("--key", default="demo-gorgias-key")
    options = parser.parse_args()

    desk = Desk(options.origin, options.email, options.key)
    before = desk.call("GET", "/_emulator/counters")["records"]
    if before["tickets"] or before["customers"]:
        sys.exit("start the stand-in without records first")
    shown = fill(desk)
    records = desk.call("GET", "/_emulator/counters")["records"]
    read, distinct = run_tap(options)

    expected = {
        "tickets": records["tickets"],
        "ticket_details": records["tickets"],
        "customers": records["customers"],
        "satisfaction_surveys": records["satisfaction_surveys"],
        "integrations": records["integrations"],
        "messages": shown,
    }
    differs = False
    print(f"{'stream':<22}{'held':>8}{'read':>8}{'distinct':>10}")
    for stream, held in expected.items():
        same = held == read[stream] == distinct.get(stream, 0)
        differs |= not same
        mark = "" if same else "  differs"
        print(f"{stream:<22}{held:>8}{read[stream]:>8}{distinct.get(stream, 0):>10}{mark}")
    print(f"messages held in all: {records['messages']}; the tap reads one numbered page each")
    sys.exit(1 if differs else 0)


if __name__ == "__main__":
    main()
