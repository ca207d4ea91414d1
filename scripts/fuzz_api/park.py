"""What there is to book when schemathesis begins: what it makes up itself is seldom there."""

import json
import urllib.request

# Who calls seeds S2 and S3.
GUEST = "fuzzed-guest"

# Holds, and as many bookings.
BOOKINGS = 10


def fill(url, email, password):
    caller = Caller(url)
    caller.token = caller.post("/auth/login", {"email": email, "password": password})["accessToken"]
    caller.post("/auth/signup", {"email": "mia@example.com", "password": "correct horse", "name": "Mia"})
    caller.post("/v1/apps", {"name": "Box office"})
    opening = {"timeZone": "Europe/Copenhagen", "openAt": "09:00", "closeAt": "22:00"}
    venue = caller.post("/v1/venues", {"name": "Tivoli", "region": "Copenhagen", **opening})
    ride = caller.post("/v1/resources", {"venueId": venue["id"], "kind": "ride", "name": "Rollercoaster"})
    pools = [{"name": "all", "capacity": 1_000_000}, {"name": "front", "seatCount": 500}]
    # One that is now, so that parties are admitted, and the one that the examples name.
    now = {"startTime": "2020-01-01T00:00:00Z", "endTime": "2090-01-01T00:00:00Z", "pools": pools}
    named = {"startTime": "2030-06-23T10:00:00Z", "endTime": "2030-06-23T10:30:00Z", "pools": pools}
    slot = caller.post(f"/v1/resources/{ride['id']}/slots", [now, named])[0]
    for _ in range(BOOKINGS):
        caller.post("/v1/bookings", {"slotId": slot["id"], "hold": True, "holdSeconds": 3600})
        caller.post("/v1/bookings", {"slotId": slot["id"], "count": 2})
    event = caller.post("/events", {"title": "Jazz night"})
    caller.post(f"/events/{event['id']}/performances", {"startAt": "2030-05-01T19:30:00Z", "totalSeats": 50})
    caller.post("/events/create", {"name": "Match", "totalSeats": 100})
    concert = caller.post("/event", {"name": "Concert", "date": "2030-05-01", "venue": "Hall"})
    kind = {"ticket_type": "Pit", "seat_type": "General", "price": 20.5, "quantity": 100}
    caller.post(f"/event/{concert['event_id']}/ticket", kind)


class Caller:
    def __init__(self, url):
        self.url, self.token = url, None

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        request.add_header("content-type", "application/json")
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
