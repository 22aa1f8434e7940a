import { readU32BE } from '../base/bytes.js';
import {
  argumentsBehind,
  fdtFromText,
  fdtText,
  findNode,
  unfit,
  wholly,
  type Before,
  type Fdt,
  type FdtNode,
} from './fdt.js';
import { phandleOf, phandlesOf, type Phandles } from './phandles.js';

/**
 * Sets a parameter of a tree or an overlay, as `dtparam=name=value` does: what its `__overrides__` node says under
 * that name (Raspberry Pi documentation, "Device Trees, overlays, and parameters", part 2.2).
 * @param base the tree that a resolved overlay goes to: its nodes can be meant as well
 * @param budget of all parameters of a card
 * @returns false where the tree has no such parameter
 * Throws `tree.overlay` where what it says cannot be done; nothing is changed then.
 */
export function setParameter(
  fdt: Fdt,
  name: string,
  value: string,
  base?: Fdt,
  budget: ParameterBudget = { bytes: DECLARATIONS_LIMIT },
): boolean {
  const declaration = findNode(fdt, '/__overrides__')?.properties.get(name);
  if (!declaration) return false;
  budget.bytes -= declaration.length;
  if (budget.bytes < 0) throw unfit(`its parameters have more than ${DECLARATIONS_LIMIT} bytes together`);
  wholly((before) => {
    const trees = [fdt, ...(base ? [base] : [])];
    const known: Phandles[] = [];
    let fragments: ReadonlyMap<string, FdtNode> | undefined;
    let size = 0;
    for (const { phandle, target, assigned } of readDeclaration(declaration)) {
      if (phandle === 0) {
        fragments ??= fragmentsByNumber(fdt);
        // A text that is no number is true, too.
        toggleFragments(fragments, target, (numberIn(value) ?? 1n) !== 0n, before);
        continue;
      }
      const at = trees.findIndex(({ root }, i) => (known[i] ??= phandlesOf(root)).find(phandle));
      const nodes = known[at];
      const node = nodes?.find(phandle);
      if (!nodes || !node) throw unfit(`its parameter ${name} is about a node that is not there`);
      before(node);
      const set = typeof assigned === 'object' ? lookUp(assigned, value) : (assigned ?? value);
      const had = phandleOf(node);
      size += setProperty(node, target, set);
      nodes.moved(node, had);
      if (size > PARAMETER_LIMIT)
        throw unfit(`its parameter ${name} sets more than ${PARAMETER_LIMIT} bytes`);
    }
  });
  return true;
}

/** How many bytes of declarations may still be read for a card. */
export interface ParameterBudget {
  bytes: number;
}

/** Bytes of the declarations of all parameters that are set; those of real cards have some dozens each. */
export const DECLARATIONS_LIMIT = 1 << 20;

/** Bytes of properties that a parameter sets; real ones set some dozens. */
const PARAMETER_LIMIT = 64 << 10;

/** What a property is set to: text as somebody writes it, or a cell. */
type Assigned = string | number;

/** A table that stands for the value (part 2.2.7). */
interface LookupTable {
  readonly entries: ReadonlyMap<string, Assigned>;
  /** For what is not among them. */
  readonly otherwise: Assigned | undefined;
  /** Whether what is not among them stays as it is; where there is no `otherwise` either, it is an error. */
  readonly passes: boolean;
}

/** One of the targets in a parameter's declaration. */
interface Target {
  /** Of the node; 0 where it is about fragments. */
  readonly phandle: number;
  /** Property with separator and offset, or operations on fragments. */
  readonly target: string;
  /** What it is set to in the place of the parameter's value (part 2.2.6), or the table that the value goes through. */
  readonly assigned: Assigned | LookupTable | undefined;
}

/** Takes a declaration apart: phandle and text, again and again; behind a text that ends in `=` a cell. */
function* readDeclaration(bytes: Uint8Array): Generator<Target> {
  let at = 0;
  const text = (): string => {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw unfit('a parameter of it has no end');
    const found = fdtText(bytes.subarray(at, end + 1));
    at = end + 1;
    return found;
  };
  const cell = (): number => {
    if (at + 4 > bytes.length) throw unfit('a parameter of it has no end');
    at += 4;
    return readU32BE(bytes, at - 4);
  };
  while (at + 4 < bytes.length) {
    const phandle = cell();
    const declared = text();
    if (phandle === 0) {
      yield { phandle, target: declared, assigned: undefined };
      continue;
    }
    const table = declared.indexOf('{');
    const equals = declared.indexOf('=');
    if (table >= 0 && (equals < 0 || table < equals)) {
      const parts: (string | number)[] = [declared.slice(table + 1)];
      for (let last = parts[0] as string; !last.includes('}'); parts.push(last)) {
        if (!last.endsWith('=')) throw unfit(`the table in "${declared}" has no end`);
        parts.push(cell());
        last = text();
      }
      yield { phandle, target: declared.slice(0, table), assigned: readTable(parts) };
    } else if (equals >= 0) {
      const literal = declared.slice(equals + 1);
      const assigned = literal === '' ? cell() : literal.replace(/^'(.*)'$/, '$1');
      yield { phandle, target: declared.slice(0, equals), assigned };
    } else yield { phandle, target: declared, assigned: undefined };
  }
}

/** @param parts what stands between the braces: texts, the last one with `}`, and cells between them */
function readTable(parts: readonly (string | number)[]): LookupTable {
  const entries = new Map<string, Assigned>();
  let otherwise: Assigned | undefined;
  let passes = false;
  const add = (key: string, value: Assigned | undefined): void => {
    if (key !== '') entries.set(key, value ?? key);
    else if (value === undefined) passes = true;
    else otherwise = value;
  };
  parts.forEach((part, i) => {
    if (typeof part === 'number') return;
    const next = parts[i + 1];
    const inside = typeof next === 'number' ? part : part.slice(0, part.lastIndexOf('}'));
    // Behind a cell the comma is implicit, and behind the last one nothing has to stand.
    if (inside === '' && i > 0) return;
    const pairs = inside.match(/(?:'[^']*'|[^,'])+|(?<=,|^)(?=,|$)/g) ?? [''];
    pairs.forEach((pair, j) => {
      const [, key = '', equals, value = ''] = /^([^=]*)(=?)([^]*)$/.exec(pair) ?? [];
      const isLast = j === pairs.length - 1 && typeof next === 'number';
      add(key, isLast ? next : equals === '' ? undefined : value.replace(/^'(.*)'$/, '$1'));
    });
  });
  return { entries, otherwise, passes };
}

function lookUp({ entries, otherwise, passes }: LookupTable, value: string): Assigned {
  const found = entries.get(value) ?? otherwise ?? (passes ? value : undefined);
  if (found === undefined)
    throw unfit(`its parameter takes ${[...entries.keys()].join(', ')}, and not "${value}"`);
  return found;
}

/** Words that stand for numbers (raspberrypi/utils, dtmerge; `up` and `down` are a pin's pull). */
const NUMBER_WORDS: ReadonlyMap<string, bigint> = new Map([
  ...['y', 'yes', 'on', 'true', 'down'].map((word) => [word, 1n] as const),
  ...['', 'n', 'no', 'off', 'false'].map((word) => [word, 0n] as const),
  ['up', 2n],
]);

/** A number as C writes it, or a word for one; undefined for any other text. */
function numberIn(text: string): bigint | undefined {
  const [, sign, octal, plain] = /^([-+]?)(?:0([0-7]+)|(0x[0-9a-f]+|0|[1-9]\d*))$/i.exec(text) ?? [];
  const size = octal !== undefined ? BigInt(`0o${octal}`) : plain !== undefined ? BigInt(plain) : undefined;
  if (size === undefined) return NUMBER_WORDS.get(text);
  return BigInt.asUintN(64, sign === '-' ? -size : size);
}

function toNumber(text: string): bigint {
  const number = numberIn(text);
  if (number === undefined) throw unfit(`its parameter takes a number, on or off, and not "${text}"`);
  return number;
}

/** What switches a device on and off; another text stays as it is. */
const STATUS_WORDS: ReadonlyMap<string, string> = new Map([
  ...['y', 'yes', 'on', 'true', 'enable', '1'].map((word) => [word, 'okay'] as const),
  ...['n', 'no', 'off', 'false', '0'].map((word) => [word, 'disabled'] as const),
]);

/** The bodies of an overlay's fragments, `fragment@1` or `fragment-1`, by their numbers. */
function fragmentsByNumber(fdt: Fdt): ReadonlyMap<string, FdtNode> {
  const bodies = new Map<string, FdtNode>();
  for (const separator of ['@', '-']) {
    for (const { name, children } of fdt.root.children) {
      const number = name.startsWith(`fragment${separator}`) ? name.slice('fragment@'.length) : '';
      if (number === '' || bodies.has(number)) continue;
      const body = children.find((child) => child.name === '__overlay__' || child.name === '__dormant__');
      if (body) bodies.set(number, body);
    }
  }
  return bodies;
}

/** `+0-1=2!3`: fragments on, off, or as the value says (part 2.2.8). */
function toggleFragments(
  fragments: ReadonlyMap<string, FdtNode>,
  operations: string,
  value: boolean,
  before: Before,
): void {
  for (const [, operation, number] of operations.matchAll(/([-+=!])(\d+)/g)) {
    const on = operation === '+' || (operation === '=' && value) || (operation === '!' && !value);
    const body = fragments.get(String(Number(number)));
    if (!body) continue;
    before(body);
    body.name = on ? '__overlay__' : '__dormant__';
  }
}

/** Bytes of the number that a separator stands for (part 2.2.2). */
const NUMBER_SIZES: Readonly<Record<string, number>> = { '.': 1, ';': 2, ':': 4, '#': 8 };

/** Offsets in properties beyond this are damage. */
const PROPERTY_LIMIT = 0xffff;

/** @returns bytes of the property that was set */
function setProperty(node: FdtNode, target: string, value: Assigned): number {
  const [, property = '', kind = '', offset = ''] = /^([^.;:#?![]+)([.;:#?![]?)(\w*)$/.exec(target) ?? [];
  const text = String(value);
  const size = NUMBER_SIZES[kind];
  if (property === 'name') {
    if (!/^[\w,.+@-]+$/.test(text)) throw unfit(`"${text}" cannot be the name of a node`);
    node.name = text;
  } else if (size !== undefined) {
    const from = Number(offset);
    if (!(from <= PROPERTY_LIMIT)) throw unfit(`its parameter for "${target}" has no sound offset`);
    const old = node.properties.get(property) ?? new Uint8Array(0);
    const bytes = new Uint8Array(Math.max(old.length, from + size));
    bytes.set(old);
    const number = toNumber(text);
    let rest = number;
    for (let i = size - 1; i >= 0; i--, rest >>= 8n) bytes[from + i] = Number(rest & 0xffn);
    // An address that a node has not is for its name alone.
    if (property !== 'reg' || bytes.length === old.length) node.properties.set(property, bytes);
    if (property === 'reg' && from === 0)
      node.name = node.name.replace(/@.*/, `@${BigInt.asUintN(32, number).toString(16)}`);
  } else if (kind === '?' || kind === '!') {
    if ((toNumber(text) !== 0n) === (kind === '?')) node.properties.set(property, new Uint8Array(0));
    else node.properties.delete(property);
  } else if (kind === '[') {
    const pairs = /^(?:[: \t]*[0-9a-f]{2})*[: \t]*$/i.test(text)
      ? (text.match(/[0-9a-f]{2}/gi) ?? [])
      : undefined;
    if (!pairs) throw unfit(`its parameter takes bytes, two digits each, and not "${text}"`);
    node.properties.set(
      property,
      Uint8Array.from(pairs, (byte) => parseInt(byte, 16)),
    );
  } else if (property === 'status') {
    node.properties.set(property, fdtFromText(STATUS_WORDS.get(text) ?? text));
  } else if (property === 'bootargs') {
    node.properties.set(property, argumentsBehind(node.properties.get(property), fdtFromText(text)));
  } else {
    node.properties.set(property, fdtFromText(text));
  }
  return node.properties.get(property)?.length ?? 0;
}
