import { giving, type Liar, type Whole } from "./support.js"

/** Bytes of a piece, for a storage that keeps an object in pieces. */
const sizes = [64 * 1024, 1024, 256 * 1024, 4096] as const
const [piece, small, large, page] = sizes

const asked = ({ options }: Whole) => options.range !== undefined

/** Faults of a storage that keeps objects in pieces. */
export const pieceLiars: readonly Liar[] = [
  {
    name: "a range that starts at an inner boundary starts one piece late",
    caughtBy: ["range: ranges that begin, end or lie at the boundary of a piece are exact"],
    of: (real) =>
      giving(real, (whole) => {
        const { bytes, start, end } = whole
        const late = asked(whole) && start > 0 && start % piece === 0
        return bytes.slice(late ? Math.min(end, start + piece) : start, end)
      }),
  },
  {
    name: "a range that ends at an inner boundary brings one byte more",
    caughtBy: ["range: ranges that begin, end or lie at the boundary of a piece are exact"],
    of: (real) =>
      giving(real, (whole) => {
        const { bytes, start, end } = whole
        const more = asked(whole) && end > start && end % large === 0
        return bytes.slice(start, more ? end + 1 : end)
      }),
  },
  {
    name: "a range that ends at an inner boundary lacks its last piece",
    caughtBy: ["range: ranges that begin, end or lie at the boundary of a piece are exact"],
    of: (real) =>
      giving(real, (whole) => {
        const { bytes, start, end } = whole
        const lacks = asked(whole) && end < bytes.length && end % small === 0
        return bytes.slice(start, lacks ? Math.max(start, end - small) : end)
      }),
  },
  {
    name: "a range wholly inside the last piece begins at that piece's start",
    caughtBy: ["range: ranges that begin, end or lie at the boundary of a piece are exact"],
    of: (real) =>
      giving(real, (whole) => {
        const { bytes, start, end } = whole
        const last = Math.floor((bytes.length - 1) / piece) * piece
        const inside = asked(whole) && last > 0 && start > last
        return inside ? bytes.slice(last, last + end - start) : bytes.slice(start, end)
      }),
  },
  {
    name: "a range wholly inside the last piece is empty",
    caughtBy: ["range: ranges that begin, end or lie at the boundary of a piece are exact"],
    of: (real) =>
      giving(real, (whole) => {
        const { bytes, start, end } = whole
        const last = Math.floor((bytes.length - 1) / page) * page
        return bytes.slice(start, asked(whole) && last > 0 && start >= last && end < bytes.length ? start : end)
      }),
  },
  {
    name: "a range over more than two pieces lacks the middle",
    caughtBy: ["range: the pieces of a large object make it whole"],
    of: (real) =>
      giving(real, (whole) => {
        const { bytes, start, end } = whole
        const [first, last] = [Math.floor(start / piece), Math.floor((end - 1) / piece)]
        if (!asked(whole) || last - first < 2) return bytes.slice(start, end)
        const wrong = bytes.slice(start, end)
        wrong.fill(0, (first + 1) * piece - start, last * piece - start)
        return wrong
      }),
  },
  {
    name: "an object of whole pieces lacks its last piece",
    caughtBy: ["get: a reader of an object that is replaced by a longer one gets what it opened, or an error"],
    of: (real) =>
      giving(real, ({ bytes, start, end }) => {
        const whole = bytes.length > piece && bytes.length % piece === 0
        return bytes.slice(start, whole ? Math.min(end, bytes.length - piece) : end)
      }),
  },
  {
    name: "an object of exactly one page is padded",
    caughtBy: ["put: bytes are stored as bytes, whatever they look like"],
    of: (real) =>
      giving(real, ({ bytes, start, end }) =>
        bytes.length === page && end === page
          ? new Uint8Array([...bytes.slice(start, end), 0])
          : bytes.slice(start, end),
      ),
  },
  {
    name: "objects of 65,536 bytes are empty: their length has 16 bits",
    caughtBy: ["put: a stream of unknown size is stored whole"],
    of: (real) => giving(real, ({ bytes, start, end }) => bytes.slice(start, bytes.length === 65_536 ? start : end)),
  },
  {
    name: "the last byte before 2^20 is lost",
    caughtBy: ["put: objects of every size around a power of two are stored whole"],
    of: (real) =>
      giving(real, ({ bytes, start, end }) => {
        const given = bytes.slice(start, end)
        if (bytes.length === 2 ** 20 && end === 2 ** 20) given[given.length - 1] = 0
        return given
      }),
  },
  {
    name: "a length beyond 2^31 becomes negative",
    caughtBy: ["range: a length far beyond the end is cut at the end"],
    of: (real) =>
      giving(real, ({ bytes, start, end, options }) => {
        const stop = options.range?.length === undefined ? end : (start + options.range.length) | 0
        return bytes.slice(start, stop < start ? start : end)
      }),
  },
  {
    name: "the tail of an older, longer object stays",
    caughtBy: ["put: an object that replaces a longer one ends where it ends, at any boundary"],
    of: (real) => {
      const longest = new Map<string, Uint8Array>()
      return {
        ...giving(real, ({ key, bytes, start, end }) => {
          const old = longest.get(key)
          if (old === undefined || old.length <= bytes.length) longest.set(key, bytes)
          const whole = end === bytes.length && bytes.length % page === 0 && bytes.length > 0
          return old !== undefined && whole && old.length > bytes.length
            ? new Uint8Array(Buffer.concat([bytes.slice(start, end), old.slice(end)]))
            : bytes.slice(start, end)
        }),
      }
    },
  },
  {
    name: "zeros at the end of an object are cut off",
    caughtBy: ["put: bytes are stored as bytes, whatever they look like"],
    of: (real) =>
      giving(real, ({ bytes, start, end }) => {
        let last = end
        while (last > start && bytes[last - 1] === 0) last--
        return bytes.slice(start, end === bytes.length ? last : end)
      }),
  },
  {
    name: "bytes pass through text",
    caughtBy: ["range: a range gives exactly its bytes"],
    of: (real) =>
      giving(
        real,
        ({ bytes, start, end }) => new Uint8Array(Buffer.from(Buffer.from(bytes.slice(start, end)).toString())),
      ),
  },
  {
    name: "a byte order mark at the start is cut off",
    caughtBy: ["put: bytes are stored as bytes, whatever they look like"],
    of: (real) =>
      giving(real, ({ bytes, start, end }) => {
        const mark = start === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
        return bytes.slice(mark ? 3 : start, end)
      }),
  },
]
