"""Checks an export of the log of decisions: python3 verify_audit.py FOLDER [--expect-head DIGEST] [--pin DIGEST-OR-KEY]

Written from docs/audit.md alone, to show that the page says enough: no network, no git, nothing but Python's own library. It checks records that keys
signed; one that a job signed by its identity needs certificates, and is told. That policy.yaml names the signers (step 7) would need a reader of YAML:
here each change of the signers is signed by those before it, and its policy.yaml is there. The second half of the file is Ed25519.
"""
import argparse, base64, hashlib, json, os, re, sys


def need(holds, otherwise):
    if not holds:
        sys.exit(f"FAULT  {otherwise}")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def unbase64(text):
    data = base64.b64decode(text)
    need(base64.b64encode(data).decode() == text, "base64 that is not in its one form")
    return data


def instant(text):
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return seconds, fraction.ljust(3, "0")


def ascending(texts):
    units = [text.encode("utf-16-be") for text in texts]
    return all(a < b for a, b in zip(units, units[1:]))


def read(folder):
    files = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            need(os.path.isfile(path) and not os.path.islink(path), f"{path} is no file")
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return files


def check_record(seq, data, before, pin):
    where = f"record {seq}"
    envelope = json.loads(data)
    need(json.dumps(envelope, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == data, f"{where} is not canonical")
    need("dsseEnvelope" not in envelope, f"{where} was signed by a job: its certificate is not checked here, ask `plumb audit verify`")
    need(envelope["payloadType"] == "application/vnd.in-toto+json", f"{where} is of another type")
    payload = unbase64(envelope["payload"])
    statement = json.loads(payload)
    decision = statement["predicate"]
    keys = [key["public"] for key in (before[0] if before else decision)["signers"]["keys"]]
    if pin and not before:
        need(pin in ("sha256:" + sha256(data), *keys), f"{where} is not what was pinned")
        keys = [pin] if pin in keys else keys
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    sigs = [unbase64(one["sig"]) for one in envelope["signatures"]]
    need(any(verify(base64.b64decode(key), signed, sig) for key in keys for sig in sigs), f"{where} is signed by nobody who may")
    types = (statement["_type"], statement["predicateType"])
    need(types == ("https://in-toto.io/Statement/v1", "https://plumbline.dev/decision/v1"), f"{where} is no decision")
    need(decision["seq"] == seq and decision["previous"] == (before[1] if before else None), f"{where} does not follow the one before it")
    need((decision["kind"] == "start") == (seq == 0), f"{where}: the log starts elsewhere")
    if before:
        need(instant(decision["at"]) >= instant(before[0]["at"]) and decision["branch"] == before[0]["branch"], f"{where} is of another time or branch")
    subject = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    moves = decision["moves"]
    lists = ([one["name"] for one in statement["subject"]], [f"{m['model']}\0{m['stage']}" for m in moves], decision["revoked"])
    need(all(ascending(one) for one in lists), f"{where} is not sorted")
    for move in moves:
        pointer = subject.get(f"models/{move['model']}/{move['stage']}.json")
        need(move["pointer"] == (pointer and "sha256:" + pointer), f"{where} moves another pointer than its subject")
        need(bool(move["pointer"]) >= bool(move["to"]) and not (move["served"] and move["pointer"] and not move["to"]), f"{where} moves nothing")
        need(not move["served"] or decision["holds"] or decision["kind"] in ("glass", "start"), f"{where} serves what does not hold")
    if before and decision["policy"] == before[0]["policy"]:
        need(decision["signers"] == before[0]["signers"], f"{where} changes who signs without a policy")
    else:
        need(decision["kind"] in ("start", "glass") or (decision["kind"] == "policy" and decision["holds"]), f"{where} brings a policy")
    return decision, "sha256:" + sha256(data), statement["subject"]


def served_at_end(records):
    served, revoked = {}, set()
    for decision, _, _ in records:
        revoked |= set(decision["revoked"])
        for move in decision["moves"]:
            if move["served"]:
                served[move["model"], move["stage"]] = move
    return [move for move in served.values() if move["to"] and move["to"] not in revoked]


def check_evidence(files, pointer):
    wanted = [(pointer["policy"], "yaml"), *((pointer[name], "json") for name in ("report", "promotion", "run", "evaluation"))]
    seen = set()
    while wanted:
        digest, kind = wanted.pop()
        path = f"evidence/{digest[7:]}.{'yaml' if kind == 'yaml' else 'json'}"
        need(path in files, f"{path} is not there")
        value = json.loads(files[path]) if kind == "json" and digest not in seen else {}
        seen.add(digest)
        if value.get("plumbline") == "promotion/1":
            others = {**value["comparisons"], **{f"of {stage}": one for stage, one in value.get("baselines", {}).items()}}
            wanted += [(one, "not followed") for one in [*others.values(), *([value["signatures"]] if "signatures" in value else [])]]
        elif value.get("plumbline") == "run/1":
            runs = [*value["after"].values(), *(one["run"] for one in value["inputs"].values() if "run" in one)]
            wanted += [(one, "json") for one in runs]


def check(folder, expected, pin):
    files = read(folder)
    need("index.json" in files, "there is no index.json")
    index, records = json.loads(files["index.json"]), []
    for seq, path in enumerate(sorted(path for path in files if path.startswith("records/"))):
        need(path == f"records/{seq:08}.json", f"{path} is not the record that comes next")
        records.append(check_record(seq, files[path], records[-1] if records else None, pin))
        policy = records[-1][0]["policy"]
        need(policy is None or f"policies/{policy[7:]}.yaml" in files, f"the policy of record {seq} is not there")
    need(index["records"] == len(records) and index["head"] == (records[-1][1] if records else None), "index.json names another head")
    need(expected is None or expected in [digest for _, digest, _ in records], "the log does not have the head that was expected")
    need({path: (sha256(data), len(data)) for path, data in files.items() if path != "index.json"}
         == {path: (one["sha256"], one["bytes"]) for path, one in index["files"].items()}, "the files are not those of index.json")
    for path, data in files.items():
        named = re.fullmatch(r"(?:policies|roots|pointers|evidence|revocations)/([0-9a-f]{64})\.(?:json|yaml)", path)
        need(named is None or named[1] == sha256(data), f"{path} is not what its name says")
    since, until, model = (index["selection"][name] for name in ("from", "to", "model"))
    early = [one for one in records if until is None or instant(one[0]["at"]) <= instant(until)]
    chosen = [one for one in early if since is None or instant(one[0]["at"]) >= instant(since)]
    for move in [move for one in chosen for move in one[0]["moves"] if move["pointer"]] + served_at_end(early):
        if model is None or move["model"] == model:
            path = f"pointers/{move['pointer'][7:]}.json"
            need(path in files, f"{path} is not there")
            if move["served"]:
                check_evidence(files, json.loads(files[path]))
    print(f"holds  {len(records)} records, {len(files)} files, head {index['head']}")


# Ed25519, verification only: RFC 8032, sections 5.1 and 6. Points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def decode(data):
    """5.1.3; None: no point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    return ((P - x, y, 1, (P - x) * y % P) if x & 1 != sign else (x, y, 1, x * y % P))


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def verify(public, message, signature):
    """5.1.7"""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment, scalar = decode(public), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= L:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(scalar, BASE), add(commitment, multiply(challenge, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--expect-head")
    parser.add_argument("--pin")
    words = parser.parse_args()
    try:
        check(words.folder, words.expect_head, words.pin)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        sys.exit(f"FAULT  something does not have the form that the page describes: {error!r}")
