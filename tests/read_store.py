"""Reads a version of a data set out of a remote that is a folder: python3 read_store.py REMOTE HEX FOLDER

Written from docs/store.md alone, to show that the page says enough. HEX is the manifest's digest, as datasets.lock has it. The version's files are
written into FOLDER; a file of rows is called "rows" there. All is held in memory, and all is verified. Python has zstd from 3.14 on; before that, it
is called in the C library.
"""
import ctypes, ctypes.util, hashlib, json, os, re, struct, sys


def need(holds, otherwise):
    if not holds:
        sys.exit(f"read_store: {otherwise}")


def sized(data, length):
    need(len(data) == length, f"{len(data)} bytes where {length} are promised")
    return data


def unzstd(stored, raw):
    if sys.version_info >= (3, 14):
        from compression.zstd import decompress
        return sized(decompress(stored), raw)
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(raw)
    size = library.ZSTD_decompress(out, ctypes.c_size_t(raw), stored, ctypes.c_size_t(len(stored)))
    return sized(out.raw[: min(size, raw)], size)


class Pack:
    def __init__(self, path, size):
        with open(path, "rb") as file:
            self.bytes = sized(file.read(), size)
        _, index, stored, raw, n, m, magic = struct.unpack("<QQIIII8s", self.bytes[-40:])
        need(self.bytes[:8] == magic == b"PLPACK1\n" and index + stored + 40 == size, f"{path} is no pack")
        need(max(n, m) <= 1 << 20 and raw == n * 17 + m * 53, f"{path} has an index that cannot be")
        columns = unzstd(self.bytes[index : index + stored], raw) if raw else b""
        self.frames = list(zip(*columns_of(columns, 0, n, "QIIB")))
        digests = [columns[n * 17 + 32 * at :][:32] for at in range(m)]
        self.objects = dict(zip(digests, zip(*columns_of(columns, n * 17 + m * 32, m, "IIIBQ"))))

    def stored(self, frame, offset, length):
        start, size, raw, codec = self.frames[frame]
        need(raw <= 16 << 20 and codec <= 1, "a frame is too large, or of an unknown codec")
        frame_bytes = sized(self.bytes[start : start + size], size)
        return sized((unzstd(frame_bytes, raw) if codec else frame_bytes)[offset : offset + length], length)


def columns_of(data, at, count, forms):
    for form in forms:
        yield struct.unpack_from(f"<{count}{form}", data, at)
        at += struct.calcsize(form) * count


class Version:
    def __init__(self, remote, root):
        with open(f"{remote}/receipts/{root[:2]}/{root}", "rb") as file:
            receipt = json.load(file)
        need(receipt["plumbline"] == "receipt/1" and receipt["root"] == f"sha256:{root}", "the receipt is of something else")
        self.packs = [Pack(f"{remote}/packs/{pack['digest'][7:]}", pack["bytes"]) for pack in receipt["packs"]]
        self.forms = [0, 0, 0]

    def read(self, digest, forms=(0, 1, 2)):
        for pack in self.packs:
            frame, offset, length, form, size = pack.objects.get(digest, (0, 0, 0, None, 0))
            if form in forms:
                data = (bytes, self.chunks, self.lines)[form](pack.stored(frame, offset, length))
                need(len(data) == size and hashlib.sha256(data).digest() == digest, f"{digest.hex()} is damaged")
                self.forms[form] += 1
                return data
        sys.exit(f"read_store: {digest.hex()} is in no pack that the receipt names")

    def chunks(self, recipe):
        need(recipe[:8] == b"PLCHUNK1", "no recipe of chunks")
        return b"".join(sized(self.read(digest, (0,)), size) for digest, size in struct.iter_unpack("<32sI", recipe[8:]))

    def lines(self, recipe):
        magic, s, r = struct.unpack_from("<8sII", recipe)
        need(magic == b"PLLINES1" and 1 <= s <= 32 and 1 <= r <= 1 << 22, "no recipe of lines")
        sources = [sized(self.read(digest, (0, 1)), size) for digest, size in struct.iter_unpack("<32sQ", recipe[16 : 16 + 40 * s])]
        lines = [re.findall(rb"[^\n]*\n|[^\n]+", source) for source in sources]
        columns = unzstd(recipe[16 + 40 * s :], 9 * r)
        ends, out = [0] * s, []
        for run in range(r):
            source = columns[run]
            zigzag, count = (sum(columns[r * (1 + at + byte) + run] << 8 * byte for byte in range(4)) for at in (0, 4))
            first = ends[source] + (zigzag >> 1 if zigzag % 2 == 0 else -(zigzag + 1 >> 1))
            ends[source] = first + count
            need(0 <= first < ends[source] <= len(lines[source]), "a run of lines that are not there")
            out += lines[source][first : ends[source]]
        return b"".join(out)

    def walk(self, node, height=None):
        """The entries of a tree: digest, number (executable, or rows), bytes, key."""
        node, at, last = self.read(node), 12, b""
        magic, kind, level, n = struct.unpack_from("<8sBBH", node)
        need(magic == b"PLTREE1\n" and kind in (1, 2) and height in (None, level), "no node, or one of another level")

        def varint():
            nonlocal at
            at += 1
            return node[at - 1] if node[at - 1] < 128 else node[at - 1] - 128 + 128 * varint()

        def text():
            nonlocal at, last
            shared, more = varint(), varint()
            at += more
            last = sized(last[:shared] + node[at - more : at], shared + more)
            return last.decode()

        digests, at = [node[at + 32 * entry :][:32] for entry in range(n)], at + 32 * n
        numbers, sizes = [varint() for _ in range(n)], [varint() for _ in range(n)]
        keys = [text() if kind == 1 else (text(), text()) if varint() else None for _ in range(n)]
        need(at == len(node), "a node is shorter or longer than it says")
        for digest, number, size, key in zip(digests, numbers, sizes, keys):
            below = list(self.walk(digest, level - 1)) if level > 0 else [(digest, number, size, key)]
            need(sum(entry[2] for entry in below) == size, "a node is not what the one above says")
            yield from below


def main(remote, root, folder):
    version = Version(remote, root)
    manifest = json.loads(version.read(bytes.fromhex(root)))
    tree = list(version.walk(bytes.fromhex(manifest["tree"][7:]))) if "tree" in manifest else []
    is_rows = manifest["kind"] == "rows"
    files = [(bytes.fromhex(manifest["content"][7:]), 0, manifest["bytes"], "rows")] if is_rows else tree
    for digest, executable, size, path in files:
        need(not path.startswith("/") and ".." not in path.split("/"), f"{path} leads out of the folder")
        data, target = sized(version.read(digest), size), os.path.join(folder, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)
        os.chmod(target, 0o755 if executable else 0o644)
    at = 0
    for digest, _, size, _ in tree if is_rows else []:
        need(hashlib.sha256(data[at : at + size]).digest() == digest, "a chunk of rows is not what the tree says")
        at += size
    print("{} objects as they are, {} of chunks, {} of lines".format(*version.forms))


if __name__ == "__main__":
    main(*sys.argv[1:])
