# Makes argilla.fixture.json by Argilla's own SDK, and with an argument reads a file of ours by it: what it says then must be what it said.
# pip install argilla==2.8.0; python3 argilla.reference.py > argilla.fixture.json; python3 argilla.reference.py ours.json
import json
import sys
import tempfile
from pathlib import Path
from uuid import UUID

import argilla as rg
from argilla.records._io._json import JsonIO


def written(records):
    path = Path(tempfile.mkdtemp()) / "records.json"
    JsonIO.to_json(records, path)
    return json.loads(path.read_text())


if len(sys.argv) > 1:
    ours = json.loads(Path(sys.argv[1]).read_text())
    again = written(JsonIO._records_from_json(sys.argv[1]))
    # a record that is not on a server is pending to the SDK, whatever the file says
    print(json.dumps([{**a, "status": o["status"]} == o for o, a in zip(ours, again, strict=True)]))
else:
    ada, bob = UUID("11111111-1111-4111-8111-111111111111"), UUID("22222222-2222-4222-8222-222222222222")
    records = [
        rg.Record(id="ticket-1", fields={"text": "My card is still not here"}, metadata={"lang": "en"},
                  suggestions=[rg.Suggestion("label", "card_arrival", score=0.9, agent="model")],
                  responses=[rg.Response("label", "card_linking", user_id=ada), rg.Response("note", "see the ticket", user_id=ada),
                             rg.Response("label", "card_arrival", user_id=bob, status="submitted")]),
        rg.Record(id="ticket-2", fields={"text": "Wie spät ist es? 🙂"}, responses=[rg.Response("decision", "reject", user_id=ada)]),
        rg.Record(id="ticket-3", fields={"text": "nobody answered this"}),
        rg.Record(id="ticket-4", fields={"text": "not a row of the data"}, responses=[rg.Response("label", "card_arrival", user_id=bob)]),
        rg.Record(id="ticket-5", fields={"text": "I lost my crad"}, responses=[rg.Response("edit_text", "I lost my card", user_id=bob), rg.Response("mood", "sad", user_id=bob)]),
    ]
    print(json.dumps(written(records), indent=1, ensure_ascii=False))
