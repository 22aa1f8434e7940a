/**
 * Bit patterns the way the ARM ARM draws an encoding, most significant bit first, parts set off by blanks:
 *
 * - `0`, `1`, `0010101`: bits that must be so, or the word is another instruction;
 * - `(0)`, `(1)`, `(0000)`: bits that should be so; otherwise the instruction is UNPREDICTABLE;
 * - `Rn:4`, `S`: a field and its width (1 if not said). A field named twice is one field in pieces, the most
 *   significant first: `imm16:4 Rd:4 imm16:12` is the manual's imm4:imm12;
 * - `imm16<11>`, `Rd<2:0>`: a piece of a field that says which bits it is, where their order is another.
 */

/** The names of a pattern's fields. */
export type FieldNames<Bits extends string> = Bits extends `${infer Part} ${infer Rest}`
  ? FieldName<Part> | FieldNames<Rest>
  : FieldName<Bits>;
type FieldName<Part extends string> = Part extends `${'0' | '1' | '('}${string}`
  ? never
  : Part extends `${infer Name}<${string}`
    ? Name
    : Part extends `${infer Name}:${string}`
      ? Name
      : Part;

/** The values of fields, unsigned. */
export type Fields<Name extends string = string> = Readonly<Record<Name, number>>;

/** Where a piece of a field stands in the word, and where in the field. */
export interface Piece {
  readonly width: number;
  readonly inWord: number;
  readonly inField: number;
}

export interface Pattern {
  /** Width of the encoding in bits, 16 or 32. */
  readonly width: number;
  /** Which bits of the word decide that it is this encoding, and what they must be. */
  readonly mask: number;
  readonly value: number;
  /** The should-be bits. */
  readonly shouldMask: number;
  readonly shouldValue: number;
  readonly fields: ReadonlyMap<string, { readonly width: number; readonly pieces: readonly Piece[] }>;
  /** The pieces of all fields, as reading a word wants them: the piece's ones are shifted out and scaled. */
  readonly reads: readonly {
    readonly name: string;
    readonly inWord: number;
    readonly ones: number;
    readonly scale: number;
  }[];
}

const ones = (width: number): number => 2 ** width - 1;

/** Reads a pattern's notation. Throws a plain Error on a pattern that is not 16 or 32 bits wide: the table's fault. */
export function parsePattern(bits: string): Pattern {
  const parts = bits.split(' ').map((part) => {
    const fixed = /^(\()?([01]+)\)?$/.exec(part);
    if (fixed) return { fixed: fixed[2]!, should: fixed[1] !== undefined, width: fixed[2]!.length };
    const [, name = '', high, low = high] = /^(\w+)<(\d+)(?::(\d+))?>$/.exec(part) ?? [];
    if (high !== undefined) return { name, width: Number(high) - Number(low) + 1, inField: Number(low) };
    const [plain = '', width = '1'] = part.split(':');
    return { name: plain, width: Number(width), inField: undefined };
  });
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  if (width !== 16 && width !== 32) throw new Error(`"${bits}" has ${width} bits`);

  let [mask, value, shouldMask, shouldValue] = [0, 0, 0, 0];
  const fields = new Map<string, { width: number; pieces: Piece[] }>();
  let at = width;
  for (const part of parts) {
    at -= part.width;
    if (part.name === undefined) {
      const [m, v] = [(ones(part.width) << at) >>> 0, (parseInt(part.fixed, 2) << at) >>> 0];
      if (part.should) [shouldMask, shouldValue] = [(shouldMask | m) >>> 0, (shouldValue | v) >>> 0];
      else [mask, value] = [(mask | m) >>> 0, (value | v) >>> 0];
    } else {
      const field = fields.get(part.name) ?? { width: 0, pieces: [] };
      const { width, inField } = part;
      const pieces =
        inField === undefined
          ? field.pieces.map((piece) => ({ ...piece, inField: piece.inField + width }))
          : field.pieces;
      pieces.push({ width, inWord: at, inField: inField ?? 0 });
      fields.set(part.name, { width: Math.max(...pieces.map((it) => it.inField + it.width)), pieces });
    }
  }
  const reads = [...fields].flatMap(([name, { pieces }]) =>
    pieces.map((piece) => ({
      name,
      inWord: piece.inWord,
      ones: ones(piece.width),
      scale: 2 ** piece.inField,
    })),
  );
  return { width, mask, value, shouldMask, shouldValue, fields, reads };
}

/** Takes the fields out of a word. */
export function readFields(pattern: Pattern, word: number): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, inWord, ones, scale } of pattern.reads)
    values[name] = (values[name] ?? 0) + ((word >>> inWord) & ones) * scale;
  return values;
}

/** Puts fields, fixed bits and should-be bits together to a word (unsigned). */
export function writeFields(pattern: Pattern, values: Fields): number {
  let word = pattern.value | pattern.shouldValue;
  for (const [name, { pieces }] of pattern.fields) {
    for (const piece of pieces)
      word |= ((values[name]! >>> piece.inField) & ones(piece.width)) << piece.inWord;
  }
  return word >>> 0;
}
