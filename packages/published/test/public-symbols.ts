import { join } from "node:path"
import ts from "typescript-lowest"
import { type Entry, publicPackages, repository } from "./public-packages.js"

/** A symbol or a member that a user of a package sees. */
export interface PublicName {
  /** With what has it: "CheckpointStore.save". */
  readonly name: string
  /** Its comment, "" if there is none. */
  readonly comment: string
  /** If it is a type of a few words: these. */
  readonly words: readonly string[]
}

/**
 * What an entry exports, and the members of that, and of all that these lead to: types that are returned, taken or inherited
 * without being exported. Only what the entry's package declares: the others tell theirs.
 */
export function publicNames(entry: Entry): PublicName[] {
  const { checker, exported } = programOf(entry)
  const walk = new Walk(checker, entry.folder)
  for (const symbol of checker.getExportsOfModule(exported)) walk.symbol(symbol)
  return walk.names
}

/** One program for all entries: what they share is read and checked once. */
let shared: ts.Program | undefined

/** The types of an entry, and its symbol as a module. */
export function programOf(entry: Entry): { checker: ts.TypeChecker; exported: ts.Symbol } {
  const all = publicPackages.flatMap(({ entries }) => entries.map(({ types }) => types))
  shared ??= programFor(all)
  const program = all.includes(entry.types) ? shared : programFor([entry.types])
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(entry.types)
  const exported = source && checker.getSymbolAtLocation(source)
  if (exported === undefined) throw new Error(`${entry.types} is no module. Build the packages first.`)
  return { checker, exported }
}

function programFor(files: string[]): ts.Program {
  return ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    types: ["node"],
    typeRoots: [join(repository, "node_modules/@types")],
    strict: true,
    skipLibCheck: true,
  })
}

class Walk {
  readonly names: PublicName[] = []
  readonly #checker: ts.TypeChecker
  readonly #folder: string
  readonly #seen = new Set<ts.Symbol | ts.Type>()

  constructor(checker: ts.TypeChecker, folder: string) {
    this.#checker = checker
    this.#folder = folder
  }

  symbol(given: ts.Symbol): void {
    const symbol = given.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(given) : given
    if (symbol.flags & ts.SymbolFlags.TypeParameter || !this.#isOurs(symbol) || this.#seen.has(symbol)) return
    this.#seen.add(symbol)
    const declared = symbol.flags & ts.SymbolFlags.Type ? this.#checker.getDeclaredTypeOfSymbol(symbol) : undefined
    this.#add(symbol.name, symbol, declared?.isUnion() ? declared : undefined)
    if (declared !== undefined) this.#type(declared, symbol.name)
    if (symbol.flags & ts.SymbolFlags.Value) this.#type(this.#checker.getTypeOfSymbol(symbol), symbol.name)
  }

  #add(name: string, symbol: ts.Symbol, union?: ts.UnionType): void {
    const comment = ts.displayPartsToString(symbol.getDocumentationComment(this.#checker))
    const words = union?.types.every((type) => type.isStringLiteral())
      ? union.types.map((type) => (type as ts.StringLiteralType).value)
      : []
    this.names.push({ name, comment, words })
  }

  #type(type: ts.Type, from: string): void {
    if (this.#seen.has(type)) return
    this.#seen.add(type)
    const owner = type.aliasSymbol?.name ?? from
    for (const named of [type.aliasSymbol, type.symbol]) {
      // A type with a name of its own is told under that name.
      if (named !== undefined && hasName(named)) this.symbol(named)
    }
    const { aliasTypeArguments = [] } = type
    for (const argument of aliasTypeArguments) this.#type(argument, owner)
    if (type.isUnionOrIntersection()) {
      for (const part of type.types) this.#type(part, owner)
      return
    }
    if (type.flags & ts.TypeFlags.Object && (type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) {
      for (const argument of this.#checker.getTypeArguments(type as ts.TypeReference)) this.#type(argument, owner)
    }
    if (type.symbol !== undefined && !this.#isOurs(type.symbol)) return
    const within = [type.symbol, type.aliasSymbol].find((named) => named !== undefined && hasName(named))?.name ?? owner
    for (const member of type.getProperties()) this.#member(member, within)
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) {
      this.#signature(signature, within)
    }
  }

  #member(member: ts.Symbol, owner: string): void {
    if (!this.#isOurs(member) || this.#seen.has(member)) return
    this.#seen.add(member)
    if (member.flags & ts.SymbolFlags.Prototype || isHidden(member)) return
    // `Symbol.asyncDispose` says itself what it is.
    const isWellKnown = member.name.startsWith("__@")
    const name = `${owner}.${member.name}`
    if (!isWellKnown) this.#add(name, member)
    this.#type(this.#checker.getTypeOfSymbol(member), name)
  }

  #isOurs({ declarations = [] }: ts.Symbol): boolean {
    const files = declarations.map((declaration) => declaration.getSourceFile().fileName)
    return files.some((file) => file.startsWith(this.#folder))
  }

  #signature(signature: ts.Signature, owner: string): void {
    for (const parameter of signature.getParameters()) this.#type(this.#checker.getTypeOfSymbol(parameter), owner)
    this.#type(signature.getReturnType(), owner)
  }
}

function hasName(symbol: ts.Symbol): boolean {
  return !symbol.name.startsWith("__")
}

function isHidden(member: ts.Symbol): boolean {
  return (member.declarations ?? []).every(
    (declaration) => ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private || isHashName(declaration),
  )
}

function isHashName(declaration: ts.Declaration): boolean {
  const name = ts.getNameOfDeclaration(declaration)
  return name !== undefined && ts.isPrivateIdentifier(name)
}
