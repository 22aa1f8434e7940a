import { readU32BE, writeU32BE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { fdtCells, fdtFromCells, fdtFromText, fdtText, findNode, type Fdt, type FdtNode } from './fdt.js';

/** Children of an overlay's root that are no fragments. */
const META = new Set(['__symbols__', '__fixups__', '__local_fixups__', '__overrides__', '__exports__']);

function unfit(what: string): HypberryError {
  return new HypberryError(
    'tree.overlay',
    `The overlay cannot be applied: ${what}.`,
    'Take overlay and device tree from the same kernel release.',
  );
}

/**
 * Sets a parameter of a tree or an overlay, as `dtparam=name=value` does: what its `__overrides__` node says under
 * that name (Raspberry Pi documentation, "Device Trees, overlays, and parameters", part 2.2).
 * @param value empty stands for true
 * @param base the tree that a resolved overlay goes to: its nodes can be meant as well
 * @returns false where the tree has no such parameter
 * Throws `tree.overlay` where what it says cannot be done.
 */
export function setParameter(fdt: Fdt, name: string, value: string, base?: Fdt): boolean {
  const declaration = findNode(fdt, '/__overrides__')?.properties.get(name);
  if (!declaration) return false;
  for (const { phandle, target, assigned } of readDeclaration(declaration)) {
    if (phandle === 0) {
      toggleFragments(fdt, target, isTrue(value));
      continue;
    }
    const node = findByPhandle(fdt.root, phandle) ?? (base && findByPhandle(base.root, phandle));
    if (!node) throw unfit(`its parameter ${name} is about a node that is not there`);
    setProperty(node, target, typeof assigned === 'object' ? lookUp(assigned, value) : (assigned ?? value));
  }
  return true;
}

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

const isTrue = (value: string): boolean =>
  ['', 'y', 'yes', 'on', 'true', 'okay'].includes(value) || /^0*[1-9]/.test(value);

/** `+0-1=2!3`: fragments on, off, or as the value says (part 2.2.8). */
function toggleFragments(fdt: Fdt, operations: string, value: boolean): void {
  for (const [, operation, number] of operations.matchAll(/([-+=!])(\d+)/g)) {
    const on = operation === '+' || (operation === '=' && value) || (operation === '!' && !value);
    const fragment =
      findNode(fdt, `/fragment@${Number(number)}`) ?? findNode(fdt, `/fragment-${Number(number)}`);
    const body = fragment?.children.find(
      (child) => child.name === '__overlay__' || child.name === '__dormant__',
    );
    if (body) body.name = on ? '__overlay__' : '__dormant__';
  }
}

/** Bytes of the number that a separator stands for (part 2.2.2). */
const NUMBER_SIZES: Readonly<Record<string, number>> = { '.': 1, ';': 2, ':': 4, '#': 8 };

/** Offsets in properties beyond this are damage. */
const PROPERTY_LIMIT = 0xffff;

function setProperty(node: FdtNode, target: string, value: Assigned): void {
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
    node.properties.set(property, bytes);
    if (property === 'reg' && from === 0) node.name = node.name.replace(/@.*/, `@${number.toString(16)}`);
  } else if (kind === '?' || kind === '!') {
    if (isTrue(text) === (kind === '?')) node.properties.set(property, new Uint8Array(0));
    else node.properties.delete(property);
  } else if (kind === '[') {
    const digits = text.replaceAll(':', '');
    node.properties.set(
      property,
      Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16)),
    );
  } else if (property === 'status') {
    const known = text === 'okay' || text === 'disabled';
    node.properties.set(property, fdtFromText(known ? text : isTrue(text) ? 'okay' : 'disabled'));
  } else if (property === 'bootargs') {
    const old = node.properties.get(property);
    node.properties.set(property, fdtFromText([old && fdtText(old), text].filter(Boolean).join(' ')));
  } else {
    node.properties.set(property, fdtFromText(text));
  }
}

function toNumber(value: string): bigint {
  if (/^(0x[0-9a-f]+|\d+)$/i.test(value)) return BigInt(value);
  if (/^-\d+$/.test(value)) return BigInt.asUintN(64, BigInt(value));
  return isTrue(value) ? 1n : 0n;
}

/**
 * Makes an overlay fit a tree: its phandles become numbers that the tree does not use, and its references to labels of
 * the tree are filled in (dtc, Documentation/dt-object-internal.txt). Changes the overlay, and gives labelled nodes of
 * the tree a phandle where they have none. Throws `tree.overlay` where a label is not there.
 */
export function resolveOverlay(fdt: Fdt, overlay: Fdt): void {
  const shift = highestPhandle(fdt.root);
  shiftPhandles(overlay.root, shift);
  const local = overlay.root.children.find(({ name }) => name === '__local_fixups__');
  if (local) {
    const places = local.properties.get('fixup');
    // In 2015 the places stood in one list of texts, as those of labels do.
    if (places) shiftPlaces(overlay, places, shift);
    else shiftReferences(overlay.root, local, shift);
  }
  resolveLabels(fdt, overlay);
}

/**
 * Merges each fragment's `__overlay__` of a resolved overlay into its target in the tree, and gives the tree the labels
 * that it exports (part 2.3). Changes both.
 * Throws `tree.overlay` where a target is not there; the tree is then half changed.
 */
export function mergeOverlay(fdt: Fdt, overlay: Fdt): void {
  const fragments = overlay.root.children.flatMap((fragment) => {
    const body = fragment.children.find(({ name }) => name === '__overlay__');
    return body && !META.has(fragment.name) ? [{ fragment, body }] : [];
  });
  // First what changes other fragments, then what changes the tree (part 2.4).
  const bodies = new Set(fragments.flatMap(({ body }) => [...nodesOf(body)]));
  const innerTarget = ({ fragment }: { fragment: FdtNode }): FdtNode | undefined => {
    const target = targetPhandle(fragment);
    const node = target === undefined ? undefined : findByPhandle(overlay.root, target);
    return node && bodies.has(node) ? node : undefined;
  };
  const inner = fragments.map((item) => ({ ...item, into: innerTarget(item) }));
  for (const { into, body } of inner) if (into) merge(into, body);
  for (const { into, fragment, body } of inner) if (!into) merge(targetOf(fdt, fragment), body);
  exportLabels(fdt, overlay);
}

/** Labels of `__exports__` become labels of the tree: the fragment in their path is its target. */
function exportLabels(fdt: Fdt, overlay: Fdt): void {
  const child = (name: string): FdtNode | undefined => overlay.root.children.find((it) => it.name === name);
  const symbols = child('__symbols__')?.properties;
  const known = fdt.root.children.find(({ name }) => name === '__symbols__');
  for (const label of child('__exports__')?.properties.keys() ?? []) {
    const path = symbols?.get(label);
    const [, fragmentName = '', rest = ''] =
      /^\/([^/]+)\/__overlay__(.*)$/.exec(path ? fdtText(path) : '') ?? [];
    const fragment = child(fragmentName);
    const target = fragment && pathOf(fdt.root, targetOf(fdt, fragment));
    if (target === undefined) continue;
    known?.properties.set(label, fdtFromText(`${target}${rest}` || '/'));
  }
}

/** The path of a node, empty for the root; undefined where it is not below it. */
function pathOf(root: FdtNode, node: FdtNode): string | undefined {
  if (root === node) return '';
  for (const below of root.children) {
    const path = pathOf(below, node);
    if (path !== undefined) return `/${below.name}${path}`;
  }
  return undefined;
}

function targetPhandle(fragment: FdtNode): number | undefined {
  const target = fragment.properties.get('target');
  return target && fdtCells(target)[0];
}

function targetOf(fdt: Fdt, fragment: FdtNode): FdtNode {
  const phandle = targetPhandle(fragment);
  const path = fragment.properties.get('target-path');
  const node =
    phandle !== undefined ? findByPhandle(fdt.root, phandle) : path && findNode(fdt, fdtText(path));
  if (!node) throw unfit(`${fragment.name} has no target in the tree`);
  return node;
}

function merge(into: FdtNode, from: FdtNode): void {
  for (const [name, value] of from.properties) {
    // A node of the tree keeps the phandle that others know it by.
    if (PHANDLES.includes(name) && into.properties.has(name)) continue;
    into.properties.set(name, value);
  }
  for (const child of [...from.children]) {
    const same = into.children.find(({ name }) => name === child.name);
    if (same) merge(same, child);
    // A copy: fragments that go into each other must not make a circle.
    else into.children.push(structuredClone(child));
  }
}

const PHANDLES = ['phandle', 'linux,phandle'];

function* nodesOf(node: FdtNode): Generator<FdtNode> {
  yield node;
  for (const child of node.children) yield* nodesOf(child);
}

function phandleOf(node: FdtNode): number | undefined {
  for (const name of PHANDLES) {
    const value = node.properties.get(name);
    if (value?.length === 4) return readU32BE(value, 0);
  }
  return undefined;
}

function findByPhandle(root: FdtNode, phandle: number): FdtNode | undefined {
  if (phandleOf(root) === phandle) return root;
  for (const child of root.children) {
    const found = findByPhandle(child, phandle);
    if (found) return found;
  }
  return undefined;
}

function highestPhandle(root: FdtNode): number {
  let highest = 0;
  for (const node of nodesOf(root)) highest = Math.max(highest, phandleOf(node) ?? 0);
  return highest;
}

function shiftPhandles(root: FdtNode, by: number): void {
  for (const node of nodesOf(root)) {
    const phandle = phandleOf(node);
    if (phandle === undefined) continue;
    for (const name of PHANDLES)
      if (node.properties.has(name)) node.properties.set(name, fdtFromCells(phandle + by));
  }
}

/** `__local_fixups__` mirrors the overlay: for each property the offsets of the phandles in it. */
function shiftReferences(node: FdtNode, fixups: FdtNode, by: number): void {
  for (const [name, offsets] of fixups.properties) {
    const value = node.properties.get(name);
    for (const offset of fdtCells(offsets)) {
      if (!value || offset + 4 > value.length) throw unfit(`a reference in ${node.name} is out of bounds`);
      writeU32BE(value, offset, readU32BE(value, offset) + by);
    }
  }
  for (const child of fixups.children) {
    const same = node.children.find(({ name }) => name === child.name);
    if (same) shiftReferences(same, child, by);
  }
}

/** `__fixups__`: for each label of the tree the places that want its phandle, as `path:property:offset`. */
function resolveLabels(fdt: Fdt, overlay: Fdt): void {
  const fixups = overlay.root.children.find(({ name }) => name === '__fixups__');
  for (const [label, places] of fixups?.properties ?? []) {
    const symbol =
      findNode(fdt, '/__symbols__')?.properties.get(label) ??
      findNode(fdt, '/aliases')?.properties.get(label);
    const node = symbol && findNode(fdt, fdtText(symbol));
    if (!node) throw unfit(`the tree has no label "${label}"`);
    const phandle = phandleOf(node) ?? highestPhandle(fdt.root) + 1 + highestPhandle(overlay.root);
    if (phandleOf(node) === undefined) node.properties.set('phandle', fdtFromCells(phandle));
    for (const { value, at } of readPlaces(overlay, places)) writeU32BE(value, at, phandle);
  }
}

function shiftPlaces(overlay: Fdt, places: Uint8Array, by: number): void {
  for (const { value, at } of readPlaces(overlay, places)) writeU32BE(value, at, readU32BE(value, at) + by);
}

/** Texts of the form `path:property:offset`, each with a NUL behind, as the bytes they are about. */
function readPlaces(overlay: Fdt, places: Uint8Array): { value: Uint8Array; at: number }[] {
  return new TextDecoder()
    .decode(places)
    .split('\0')
    .filter((text) => text !== '')
    .map((text) => {
      const [path = '', property = '', offset = ''] = text.split(':');
      const value = findNode(overlay, path)?.properties.get(property);
      const at = Number(offset);
      if (!value || !(at >= 0 && at + 4 <= value.length)) throw unfit(`it has no "${text}" to fill in`);
      return { value, at };
    });
}
