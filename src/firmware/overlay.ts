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
 * Throws `tree.overlay` for forms that are not done here: lookup tables, literal assignments, `reg` and `name`.
 */
export function setParameter(fdt: Fdt, name: string, value: string, base?: Fdt): boolean {
  const declaration = findNode(fdt, '/__overrides__')?.properties.get(name);
  if (!declaration) return false;
  let at = 0;
  while (at + 4 < declaration.length) {
    const phandle = readU32BE(declaration, at);
    const target = fdtText(declaration.subarray(at + 4));
    at += 4 + target.length + 1;
    if (phandle === 0) toggleFragments(fdt, target, isTrue(value));
    else {
      const node = findByPhandle(fdt.root, phandle) ?? (base && findByPhandle(base.root, phandle));
      if (!node) throw unfit(`its parameter ${name} is about a node that is not there`);
      setProperty(node, target, value);
    }
  }
  return true;
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

function setProperty(node: FdtNode, target: string, value: string): void {
  if (/[={]/.test(target) || /^(reg|name)\b/.test(target))
    throw unfit(`its parameter for "${target}" has a form not done here`);
  const [, property = '', kind = '', offset = ''] = /^([^.;:#?![]+)([.;:#?![]?)(\w*)$/.exec(target) ?? [];
  const size = NUMBER_SIZES[kind];
  if (size !== undefined) {
    const from = Number(offset);
    if (!(from <= PROPERTY_LIMIT)) throw unfit(`its parameter for "${target}" has no sound offset`);
    const old = node.properties.get(property) ?? new Uint8Array(0);
    const bytes = new Uint8Array(Math.max(old.length, from + size));
    bytes.set(old);
    let rest = toNumber(value);
    for (let i = size - 1; i >= 0; i--, rest >>= 8n) bytes[from + i] = Number(rest & 0xffn);
    node.properties.set(property, bytes);
  } else if (kind === '?' || kind === '!') {
    if (isTrue(value) === (kind === '?')) node.properties.set(property, new Uint8Array(0));
    else node.properties.delete(property);
  } else if (kind === '[') {
    const digits = value.replaceAll(':', '');
    node.properties.set(
      property,
      Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16)),
    );
  } else if (property === 'status') {
    const known = value === 'okay' || value === 'disabled';
    node.properties.set(property, fdtFromText(known ? value : isTrue(value) ? 'okay' : 'disabled'));
  } else if (property === 'bootargs') {
    const old = node.properties.get(property);
    node.properties.set(property, fdtFromText([old && fdtText(old), value].filter(Boolean).join(' ')));
  } else {
    node.properties.set(property, fdtFromText(value));
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
 * Merges each fragment's `__overlay__` of a resolved overlay into its target in the tree. Changes both.
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
  const value = PHANDLES.map((name) => node.properties.get(name)).find((bytes) => bytes?.length === 4);
  return value && readU32BE(value, 0);
}

function findByPhandle(root: FdtNode, phandle: number): FdtNode | undefined {
  for (const node of nodesOf(root)) if (phandleOf(node) === phandle) return node;
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
