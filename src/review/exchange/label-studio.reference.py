# Reads tasks of ours by Label Studio's own SDK: are they tasks, predictions and annotations of the labeling interface beside them?
# pip install label-studio-sdk==2.1.2; python3 label-studio.reference.py tasks.json interface.xml
import json
import sys
from pathlib import Path

from label_studio_sdk.label_interface import LabelInterface

interface = LabelInterface(Path(sys.argv[2]).read_text())
interface.validate()
for task in json.loads(Path(sys.argv[1]).read_text()):
    # its validate_task calls its own check of annotations without one: they are checked below
    if not interface.validate_task({"data": task["data"]}):
        raise SystemExit(f"{task['meta']['key']}: no task of this interface")
    for kind, check in (("predictions", interface.validate_prediction), ("annotations", interface.validate_annotation)):
        for one in task[kind]:
            faults = check(one, return_errors=True) if kind == "predictions" else ([] if check(one) else ["no annotation"])
            if faults:
                raise SystemExit(f"{task['meta']['key']}: {faults}")
print("all hold")
