/** Nodes of device trees by the numbers that others know them by. */
import { readU32BE } from '../base/bytes.js';
import type { FdtNode } from './fdt.js';

/** The properties that hold a node's phandle; the second is the older name. */
export const PHANDLES = ['phandle', 'linux,phandle'];

/** A node and all below it, in their order. */
export function* nodesOf(root: FdtNode): Generator<FdtNode> {
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    yield node;
    for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i]!);
  }
}

/** A node's phandle; undefined where it has none. */
export function phandleOf(node: FdtNode): number | undefined {
  for (const name of PHANDLES) {
    const value = node.properties.get(name);
    if (value?.length === 4) return readU32BE(value, 0);
  }
  return undefined;
}

/** The nodes below a root by their phandles, kept while they change. */
export interface Phandles {
  /** The first with a phandle, in the tree's order. */
  readonly find: (phandle: number) => FdtNode | undefined;
  /** A node has come with all below it. */
  readonly added: (node: FdtNode) => void;
  /** A node's properties were changed; it had that phandle before. */
  readonly moved: (node: FdtNode, had: number | undefined) => void;
}

/** Those of a root and all below it. */
export function phandlesOf(root: FdtNode): Phandles {
  // Undefined: not one node alone has or had it, and it is looked for.
  const known = new Map<number, FdtNode | undefined>();
  const add = (node: FdtNode): void => {
    const phandle = phandleOf(node);
    if (phandle !== undefined) known.set(phandle, known.has(phandle) ? undefined : node);
  };
  const added = (node: FdtNode): void => {
    for (const one of nodesOf(node)) add(one);
  };
  added(root);
  const search = (phandle: number): FdtNode | undefined => {
    for (const node of nodesOf(root)) if (phandleOf(node) === phandle) return node;
    return undefined;
  };
  return {
    find: (phandle) => known.get(phandle) ?? (known.has(phandle) ? search(phandle) : undefined),
    added,
    moved: (node, had) => {
      if (phandleOf(node) === had) return;
      if (had !== undefined) known.set(had, undefined);
      add(node);
    },
  };
}

/** The highest phandle of a root and all below it; 0 where there is none. */
export function highestPhandle(root: FdtNode): number {
  let highest = 0;
  for (const node of nodesOf(root)) highest = Math.max(highest, phandleOf(node) ?? 0);
  return highest;
}
