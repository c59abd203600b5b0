import ts from "typescript-lowest"
import type { Entry } from "./public-packages.js"
import { programOf } from "./public-symbols.js"

/**
 * What an entry exports, one line each: the kind, the name, and the members. Members of what comes from another package stand there.
 *
 * @param values names that exist while a program runs; a class that is exported as a type alone is none of them
 */
export function exportsOf(entry: Entry, values: ReadonlySet<string>): string[] {
  const { checker, exported } = programOf(entry)
  return checker
    .getExportsOfModule(exported)
    .map((given) => {
      const symbol = given.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(given) : given
      const members = membersOf(checker, symbol, entry.folder)
      const kind = kindOf(symbol, values.has(given.name))
      return `${kind} ${given.name}${members.length > 0 ? `: ${members.join(", ")}` : ""}`
    })
    .toSorted()
}

const kinds: readonly (readonly [flag: ts.SymbolFlags, kind: string, isValue: boolean])[] = [
  [ts.SymbolFlags.Class, "class", true],
  [ts.SymbolFlags.Function, "function", true],
  [ts.SymbolFlags.Variable, "const", true],
  [ts.SymbolFlags.Interface, "interface", false],
  [ts.SymbolFlags.TypeAlias, "type", false],
]

function kindOf({ name, flags }: ts.Symbol, isValue: boolean): string {
  const found = kinds.filter(([flag]) => flags & flag)
  if (found.length === 0) throw new Error(`${name} is of no known kind`)
  if (found.some(([, , hasValue]) => hasValue) === isValue) return found.map(([, kind]) => kind).join(" and ")
  if (isValue) throw new Error(`${name} is a value without a declaration`)
  return `type of a ${found.map(([, kind]) => kind).join(" and ")}`
}

/** Of a class, an interface or a type of one form. A "?" says that a member may be absent. Of a type of words: the words. */
function membersOf(checker: ts.TypeChecker, symbol: ts.Symbol, folder: string): string[] {
  const isOurs = ({ declarations = [] }: ts.Symbol) =>
    declarations.some((declaration) => declaration.getSourceFile().fileName.startsWith(folder))
  if (!(symbol.flags & ts.SymbolFlags.Type) || !isOurs(symbol)) return []
  const type = checker.getDeclaredTypeOfSymbol(symbol)
  if (type.isUnion()) return type.types.every((part) => part.isStringLiteral()) ? type.types.map(wordOf).toSorted() : []
  return type
    .getProperties()
    .filter((member) => isOurs(member) && !member.name.includes("#"))
    .map(({ name, flags }) => `${name.replace(/^__@(\w+)@\d+$/, "[$1]")}${flags & ts.SymbolFlags.Optional ? "?" : ""}`)
    .toSorted()
}

function wordOf(type: ts.Type): string {
  return JSON.stringify((type as ts.StringLiteralType).value)
}
