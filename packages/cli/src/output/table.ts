import type { Terminal } from "./terminal.js"
import { clean, cut, widthOf } from "./text.js"

/** One column of a table. */
export interface Column<Row> {
  /** Its name, in the first line. */
  readonly head: string
  /** The cell of a row. It is cleaned; cells of the names of others may be as they are. */
  readonly cell: (row: Row) => string
  /** Numbers and times stand at the right. Default "left". */
  readonly align?: "left" | "right"
  /** It may be cut where the terminal is narrow, to these columns at least. Default: never cut. */
  readonly atLeast?: number
  /** It is cut before the others: nobody needs it for the next command. */
  readonly cutFirst?: boolean
  /** The colour of a cell. */
  readonly paint?: (row: Row) => "red" | "green" | "yellow" | "dim" | undefined
}

const gap = "  "
/** No cell that may be cut is wider, however wide the terminal. A SHA-256 fits, and the name of a pin. */
const widest = 100
/** Rows that are laid out together. A longer table is written block by block, so that its first rows do not wait for its last. */
const rowsAtOnce = 500

/** Lays rows out in columns, as wide as the terminal. A column without any cell is left out. */
export class Table<Row> {
  readonly #terminal: Terminal
  readonly #columns: readonly Column<Row>[]
  #rows: Row[] = []
  /** Of the block before, by column: a block is never narrower. */
  #widths = new Map<Column<Row>, number>()
  #head = ""

  constructor(terminal: Terminal, columns: readonly Column<Row>[]) {
    this.#terminal = terminal
    this.#columns = columns
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row)
    if (this.#rows.length >= rowsAtOnce) await this.end()
  }

  /** Writes the rows that wait. */
  async end(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    if (rows.length === 0) return
    const cells = new Map(this.#columns.map((column) => [column, rows.map((row) => clean(column.cell(row)))]))
    const shown = this.#columns.filter(
      (column) => this.#widths.has(column) || cells.get(column)?.some((cell) => cell !== ""),
    )
    for (const column of shown) this.#widths.set(column, this.#natural(column, cells.get(column) ?? []))
    const widths = fitted(shown, this.#widths, this.#terminal.width)
    const head = line(shown.map((column, at) => padded(column.head, widths[at] ?? 0, column.align)))
    const lines = rows.map((row, index) =>
      line(
        shown.map((column, at) => {
          const text = padded(cells.get(column)?.[index] ?? "", widths[at] ?? 0, column.align)
          const style = column.paint?.(row)
          return style === undefined || text.trim() === "" ? text : this.#terminal.paint(style, text)
        }),
      ),
    )
    // The names of the columns come again where they have moved.
    const isNew = head !== this.#head
    this.#head = head
    await this.#terminal.print(...(isNew ? [this.#terminal.paint("dim", head)] : []), ...lines)
  }

  #natural({ head, atLeast }: Column<Row>, cells: readonly string[]): number {
    return cells.reduce((most, cell) => Math.max(most, limited(cell, atLeast)), widthOf(head))
  }
}

function limited(cell: string, atLeast: number | undefined): number {
  // The width of 10 kB need not be known.
  const looked = atLeast === undefined ? cell : cell.slice(0, 8 * widest)
  const width = widthOf(looked)
  return atLeast === undefined ? width : Math.min(width, widest)
}

/** The widths that fit the terminal: of the columns that are cut first, and then of the others, the widest is cut. */
function fitted<Row>(
  columns: readonly Column<Row>[],
  natural: ReadonlyMap<Column<Row>, number>,
  terminal: number,
): number[] {
  const widths = columns.map((column) => natural.get(column) ?? 0)
  const total = () => widths.reduce((sum, width) => sum + width, 0) + gap.length * (columns.length - 1)
  /** The place of the widest column that may be narrower; -1 if there is none. */
  const widest = (isCutFirst: boolean) => {
    let widestAt = -1
    for (const [at, { atLeast, cutFirst = false }] of columns.entries()) {
      const width = widths[at] ?? 0
      if (cutFirst === isCutFirst && atLeast !== undefined && width > atLeast && width > (widths[widestAt] ?? 0))
        widestAt = at
    }
    return widestAt
  }
  for (let over = total() - terminal; over > 0; over--) {
    const at = [true, false].map(widest).find((found) => found >= 0)
    if (at === undefined) break
    widths[at] = (widths[at] ?? 0) - 1
  }
  return widths
}

function padded(text: string, width: number, align: "left" | "right" = "left"): string {
  const shown = cut(text, width)
  const space = " ".repeat(Math.max(0, width - widthOf(shown)))
  return align === "right" ? `${space}${shown}` : `${shown}${space}`
}

function line(cells: readonly string[]): string {
  return cells.join(gap).trimEnd()
}
