import { readU32BE, writeU32BE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import {
  argumentsBehind,
  copyNode,
  FDT_SIZE_LIMIT,
  fdtCells,
  fdtFromCells,
  fdtFromText,
  fdtText,
  findNode,
  readFdt,
  unfit,
  wholly,
  writeFdt,
  type Before,
  type Fdt,
  type FdtNode,
} from './fdt.js';
import { highestPhandle, nodesOf, PHANDLES, phandleOf, phandlesOf, type Phandles } from './phandles.js';

/** Children of an overlay's root that are no fragments. */
const META = new Set(['__symbols__', '__fixups__', '__local_fixups__', '__overrides__', '__exports__']);

/**
 * Makes an overlay fit a tree: its phandles become numbers that the tree does not use, and its references to labels of
 * the tree are filled in (dtc, Documentation/dt-object-internal.txt). Changes the overlay, and gives labelled nodes of
 * the tree a phandle where they have none.
 * Throws `tree.overlay` where a label is not there; the tree is then as it was, and the overlay of no use.
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
  wholly((before) => {
    resolveLabels(fdt, overlay, before);
  });
}

/**
 * Merges each fragment's `__overlay__` of a resolved overlay into its target in the tree, and gives the tree the labels
 * that it exports (part 2.3). Changes both.
 * Throws `tree.overlay` where a target is not there, or the tree becomes larger than any is; both are then as they were.
 */
export function mergeOverlay(fdt: Fdt, overlay: Fdt): void {
  const fragments = overlay.root.children.flatMap((fragment) => {
    const body = fragment.children.find(({ name }) => name === '__overlay__');
    return body && !META.has(fragment.name) ? [{ fragment, body }] : [];
  });
  // First what changes other fragments, then what changes the tree (part 2.4).
  const own = phandlesOf(overlay.root);
  const innerTarget = ({ fragment }: { fragment: FdtNode }): FdtNode | undefined => {
    const target = targetPhandle(fragment);
    // It may be in one that is switched off.
    return target === undefined ? undefined : own.find(target);
  };
  const inner = fragments.map((item) => ({ ...item, into: innerTarget(item) }));
  wholly((before) => {
    const nodes = phandlesOf(fdt.root);
    const budget = { nodes: COPY_LIMIT };
    const mergeInto = { overlay: merger(own, budget, before), tree: merger(nodes, budget, before) };
    for (const { into, body } of inner) if (into) mergeInto.overlay(into, body);
    for (const { into, fragment, body } of inner)
      if (!into) mergeInto.tree(targetOf(fdt, fragment, nodes), body);
    exportLabels(fdt, overlay, nodes, before);
    requireReadable(fdt);
  });
}

/** Labels of `__exports__` become labels of the tree: the fragment in their path is its target. */
function exportLabels(fdt: Fdt, overlay: Fdt, nodes: Phandles, before: Before): void {
  const child = (name: string): FdtNode | undefined => overlay.root.children.find((it) => it.name === name);
  const symbols = child('__symbols__')?.properties;
  const known = fdt.root.children.find(({ name }) => name === '__symbols__');
  const exported = child('__exports__')?.properties;
  if (!known || !exported) return;
  before(known);
  const paths = pathsOf(fdt.root);
  for (const label of exported.keys()) {
    const path = symbols?.get(label);
    const [, fragmentName = '', rest = ''] =
      /^\/([^/]+)\/__overlay__(.*)$/.exec(path ? fdtText(path) : '') ?? [];
    const fragment = child(fragmentName);
    const target = fragment && paths.get(targetOf(fdt, fragment, nodes));
    if (target === undefined) continue;
    known.properties.set(label, fdtFromText(`${target}${rest}` || '/'));
  }
}

/** The paths of a node and all below it. */
function pathsOf(node: FdtNode, path = '', paths = new Map<FdtNode, string>()): Map<FdtNode, string> {
  paths.set(node, path);
  for (const child of node.children) pathsOf(child, `${path}/${child.name}`, paths);
  return paths;
}

function targetPhandle(fragment: FdtNode): number | undefined {
  const target = fragment.properties.get('target');
  return target && fdtCells(target)[0];
}

function targetOf(fdt: Fdt, fragment: FdtNode, nodes: Phandles): FdtNode {
  const phandle = targetPhandle(fragment);
  const path = fragment.properties.get('target-path');
  const node = phandle !== undefined ? nodes.find(phandle) : path && findNode(fdt, fdtText(path));
  if (!node) throw unfit(`${fragment.name} has no target in the tree`);
  return node;
}

/** Nodes that an overlay adds, to fragments of its own too. A tree of the largest size has no more. */
const COPY_LIMIT = FDT_SIZE_LIMIT >> 4;

/** From this many children on they are found by a map. */
const MANY_CHILDREN = 8;

/**
 * What merges a node into another.
 * @param nodes of the tree that the other is in
 * @param budget how many nodes may still come
 */
function merger(
  nodes: Phandles,
  budget: { nodes: number },
  before: Before,
): (into: FdtNode, from: FdtNode) => void {
  return function merge(into, from) {
    before(into);
    const had = phandleOf(into);
    for (const [name, value] of from.properties) {
      // A node of the tree keeps the phandle that others know it by.
      if (PHANDLES.includes(name) && into.properties.has(name)) continue;
      into.properties.set(
        name,
        name === 'bootargs' ? argumentsBehind(into.properties.get(name), value) : value,
      );
    }
    nodes.moved(into, had);
    const byName =
      from.children.length < MANY_CHILDREN
        ? undefined
        : new Map(into.children.toReversed().map((child) => [child.name, child]));
    for (const child of [...from.children]) {
      const same = byName ? byName.get(child.name) : into.children.find(({ name }) => name === child.name);
      if (same) {
        merge(same, child);
        continue;
      }
      const below = nodesOf(child);
      while (!below.next().done) {
        if (--budget.nodes < 0) throw unfit(`it adds more than ${COPY_LIMIT} nodes`);
      }
      // A copy: fragments that go into each other must not make a circle.
      const copy = copyNode(child);
      into.children.push(copy);
      byName?.set(copy.name, copy);
      nodes.added(copy);
    }
  };
}

/** Refuses a tree that would not be read again. */
function requireReadable(fdt: Fdt): void {
  try {
    readFdt(writeFdt(fdt));
  } catch (error) {
    if (!(error instanceof HypberryError)) throw error;
    throw unfit('the tree would become deeper or larger than any is');
  }
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
function resolveLabels(fdt: Fdt, overlay: Fdt, before: Before): void {
  const fixups = overlay.root.children.find(({ name }) => name === '__fixups__');
  const highestOwn = highestPhandle(overlay.root);
  let highest = highestPhandle(fdt.root);
  for (const [label, places] of fixups?.properties ?? []) {
    const symbol =
      findNode(fdt, '/__symbols__')?.properties.get(label) ??
      findNode(fdt, '/aliases')?.properties.get(label);
    const node = symbol && findNode(fdt, fdtText(symbol));
    if (!node) throw unfit(`the tree has no label "${label}"`);
    let phandle = phandleOf(node);
    if (phandle === undefined) {
      highest += 1 + highestOwn;
      phandle = highest;
      before(node);
      node.properties.set('phandle', fdtFromCells(phandle));
    }
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
