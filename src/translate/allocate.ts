/**
 * Chooses registers by colouring the interference graph, with copies coalesced on the way (George and Appel: "Iterated
 * Register Coalescing", 1996). What finds no register goes to the stack or, if it is a constant, is made anew.
 */
import { BitSet, liveness } from './liveness.js';
import type { Instruction, MachineBlock, MachineFunction, Operand, Virtual } from './machine.js';
import { SP, core, define, effect, FIRST_VIRTUAL, mapInstruction } from './machine.js';

/** R13 and R15 are not to be chosen. */
const isChoosable = (n: number): boolean => n !== 13 && n !== 15;

/** In the order in which they are tried: those that a function may write first. R14 is saved in any that calls. */
const COLOURS = [0, 1, 2, 3, 12, 14, 4, 5, 6, 7, 8, 9, 10, 11];
const K = COLOURS.length;

interface Move {
  readonly to: number;
  readonly from: number;
}

/** Where registers interfere, and which are copies of each other. */
interface Interference {
  readonly edges: BitSet;
  readonly neighbours: number[][];
  readonly moves: Move[];
  readonly costs: Float64Array;
}

function interference(fn: MachineFunction): Interference {
  const n = fn.virtuals;
  const edges = new BitSet(n * n);
  const neighbours: number[][] = Array.from({ length: n }, () => []);
  const moves: Move[] = [];
  const costs = new Float64Array(n);
  const addEdge = (a: number, b: number): void => {
    if (a === b || !isChoosable(a) || !isChoosable(b) || edges.has(a * n + b)) return;
    edges.add(a * n + b);
    edges.add(b * n + a);
    if (a >= FIRST_VIRTUAL) neighbours[a]!.push(b);
    if (b >= FIRST_VIRTUAL) neighbours[b]!.push(a);
  };
  for (let a = 0; a < FIRST_VIRTUAL; a++) for (let b = 0; b < a; b++) addEdge(a, b);
  for (const [block, out] of liveness(fn).out) {
    const live = out.copy();
    const weight = 10 ** Math.min(block.depth, 6);
    for (const { move, early, defs, uses } of block.code.toReversed()) {
      if (move) {
        live.delete(uses[0]!.virtual);
        moves.push({ to: defs[0]!.virtual, from: uses[0]!.virtual });
      }
      if (early) for (const { virtual } of uses) live.add(virtual);
      for (const { virtual } of defs) {
        live.add(virtual);
        costs[virtual]! += weight;
      }
      for (const { virtual } of defs)
        live.forEach((other) => {
          addEdge(virtual, other);
        });
      for (const { virtual } of defs) live.delete(virtual);
      for (const { virtual } of uses) {
        live.add(virtual);
        costs[virtual]! += weight;
      }
    }
  }
  return { edges, neighbours, moves, costs };
}

/** Colours the graph. Gives the register of each, or those that got none. */
function colour(
  fn: MachineFunction,
  unspillable: ReadonlySet<number>,
): { colours: Int8Array; spilled: number[] } {
  const n = fn.virtuals;
  const { edges, neighbours, moves, costs } = interference(fn);
  const degree = Int32Array.from(neighbours, (it, i) => (i < FIRST_VIRTUAL ? Infinity : it.length) | 0);
  for (let i = 0; i < FIRST_VIRTUAL; i++) degree[i] = 1 << 30;
  const alias = Int32Array.from({ length: n }, (_, i) => i);
  const movesOf: number[][] = Array.from({ length: n }, () => []);
  moves.forEach(({ to, from }, i) => {
    movesOf[to]!.push(i);
    if (from !== to) movesOf[from]!.push(i);
  });

  const worklistMoves = new Set<number>();
  const activeMoves = new Set<number>();
  const simplifyList = new Set<number>();
  const freezeList = new Set<number>();
  const spillList = new Set<number>();
  const stack: number[] = [];
  const onStack = new Uint8Array(n);
  const coalesced = new Uint8Array(n);

  const adjacent = (v: number): number[] => neighbours[v]!.filter((it) => !onStack[it] && !coalesced[it]);
  const pendingMoves = (v: number): number[] =>
    movesOf[v]!.filter((it) => activeMoves.has(it) || worklistMoves.has(it));
  const find = (v: number): number => {
    let it = v;
    while (alias[it] !== it) it = alias[it]!;
    return it;
  };

  moves.forEach(({ to, from }, i) => {
    if (isChoosable(to) && isChoosable(from)) worklistMoves.add(i);
  });
  for (let v = FIRST_VIRTUAL; v < n; v++) {
    if (degree[v]! >= K) spillList.add(v);
    else if (pendingMoves(v).length > 0) freezeList.add(v);
    else simplifyList.add(v);
  }

  const enableMoves = (v: number): void => {
    for (const it of movesOf[v]!) if (activeMoves.delete(it)) worklistMoves.add(it);
  };
  const decrement = (v: number): void => {
    if (v < FIRST_VIRTUAL) return;
    const before = degree[v]!;
    degree[v] = before - 1;
    if (before !== K) return;
    enableMoves(v);
    adjacent(v).forEach(enableMoves);
    spillList.delete(v);
    if (pendingMoves(v).length > 0) freezeList.add(v);
    else simplifyList.add(v);
  };
  const simplify = (v: number): void => {
    simplifyList.delete(v);
    stack.push(v);
    const around = adjacent(v);
    onStack[v] = 1;
    around.forEach(decrement);
  };
  const addWorklist = (v: number): void => {
    if (v >= FIRST_VIRTUAL && pendingMoves(v).length === 0 && degree[v]! < K) {
      freezeList.delete(v);
      simplifyList.add(v);
    }
  };
  const addEdge = (a: number, b: number): void => {
    if (a === b || edges.has(a * n + b)) return;
    edges.add(a * n + b);
    edges.add(b * n + a);
    if (a >= FIRST_VIRTUAL) {
      neighbours[a]!.push(b);
      degree[a]!++;
    }
    if (b >= FIRST_VIRTUAL) {
      neighbours[b]!.push(a);
      degree[b]!++;
    }
  };
  /** Whether joining with a core register leaves the neighbours colourable as they were (George). */
  const harmless = (v: number, precoloured: number): boolean =>
    adjacent(v).every((it) => degree[it]! < K || it < FIRST_VIRTUAL || edges.has(it * n + precoloured));
  /** Whether the joint node would have few neighbours of high degree (Briggs). */
  const conservative = (a: number, b: number): boolean => {
    const around = new Set([...adjacent(a), ...adjacent(b)]);
    let high = 0;
    for (const it of around) {
      // A neighbour of both loses one of its own.
      const shared = edges.has(it * n + a) && edges.has(it * n + b) ? 1 : 0;
      if (degree[it]! - shared >= K) high++;
    }
    return high < K;
  };
  const combine = (u: number, v: number): void => {
    if (!freezeList.delete(v)) spillList.delete(v);
    coalesced[v] = 1;
    alias[v] = u;
    movesOf[u]!.push(...movesOf[v]!);
    costs[u]! += costs[v]!;
    enableMoves(v);
    for (const it of adjacent(v)) {
      addEdge(it, u);
      decrement(it);
    }
    if (u >= FIRST_VIRTUAL && degree[u]! >= K && freezeList.delete(u)) spillList.add(u);
  };
  const coalesce = (index: number): void => {
    worklistMoves.delete(index);
    const { to, from } = moves[index]!;
    const [x, y] = [find(to), find(from)];
    const [u, v] = y < FIRST_VIRTUAL ? [y, x] : [x, y];
    if (u === v) {
      addWorklist(u);
    } else if (v < FIRST_VIRTUAL || edges.has(u * n + v)) {
      addWorklist(u);
      addWorklist(v);
    } else if (u < FIRST_VIRTUAL ? harmless(v, u) : conservative(u, v)) {
      combine(u, v);
      addWorklist(u);
    } else activeMoves.add(index);
  };
  const freezeMoves = (v: number): void => {
    for (const it of pendingMoves(v)) {
      activeMoves.delete(it);
      worklistMoves.delete(it);
    }
  };
  const cheapest = (): number => {
    let [best, least] = [-1, Infinity];
    for (const v of spillList) {
      const cost = unspillable.has(v) ? 1e30 : costs[v]! / degree[v]!;
      if (cost < least || best < 0) [best, least] = [v, cost];
    }
    return best;
  };
  const first = (set: ReadonlySet<number>): number => set.values().next().value!;
  for (;;) {
    if (simplifyList.size > 0) simplify(first(simplifyList));
    else if (worklistMoves.size > 0) coalesce(first(worklistMoves));
    else if (freezeList.size > 0) {
      const v = first(freezeList);
      freezeList.delete(v);
      simplifyList.add(v);
      freezeMoves(v);
    } else if (spillList.size > 0) {
      const v = cheapest();
      spillList.delete(v);
      simplifyList.add(v);
      freezeMoves(v);
    } else break;
  }

  const colours = new Int8Array(n).fill(-1);
  for (let i = 0; i < FIRST_VIRTUAL; i++) colours[i] = i;
  for (const v of stack.reverse()) {
    const taken = new Set(neighbours[v]!.map((it) => colours[find(it)]));
    const free = COLOURS.filter((it) => !taken.has(it));
    if (free.length === 0) continue;
    // One that a copy of it has already saves the copy.
    const wanted = movesOf[v]!.map((it) => {
      const { to, from } = moves[it]!;
      return colours[find(to) === v ? find(from) : find(to)]!;
    });
    colours[v] = wanted.find((it) => free.includes(it)) ?? free[0]!;
  }
  const spilled: number[] = [];
  for (let v = FIRST_VIRTUAL; v < n; v++) {
    colours[v] = colours[find(v)]!;
    if (colours[v]! < 0) spilled.push(v);
  }
  return { colours, spilled };
}

/** The instructions that make a register's value wherever it is wanted, for those that only ever hold a constant. */
function recipes(fn: MachineFunction, wanted: ReadonlySet<number>): Map<number, Instruction[]> {
  const found = new Map<number, Instruction[]>();
  const never = new Set<number>();
  for (const { code } of fn.blocks) {
    for (const instruction of code) {
      for (const { virtual } of instruction.defs) {
        if (!wanted.has(virtual)) continue;
        const others = instruction.uses.filter((it) => it.virtual !== virtual);
        const isConstant = /^(mov|mvn|movw|movt)$/.test(instruction.name) && others.length === 0;
        if (!isConstant || instruction.condition || (instruction.name !== 'movt' && found.has(virtual)))
          never.add(virtual);
        found.set(virtual, [...(found.get(virtual) ?? []), instruction]);
      }
    }
  }
  for (const virtual of never) found.delete(virtual);
  return found;
}

/** Rewrites a function so that some registers live in memory between their uses. Gives the short-lived ones. */
function spill(fn: MachineFunction, spilled: readonly number[]): number[] {
  const wanted = new Set(spilled);
  const constants = recipes(fn, wanted);
  const slots = new Map<number, Operand>();
  for (const v of spilled)
    if (!constants.has(v)) slots.set(v, [SP, { frame: 'slot', offset: 4 * fn.slots++ }]);
  const made: number[] = [];
  const rewrite = (block: MachineBlock): Instruction[] =>
    block.code.flatMap((instruction): Instruction[] => {
      const { defs, uses } = instruction;
      if (![...defs, ...uses].some(({ virtual }) => wanted.has(virtual))) return [instruction];
      if (defs.some(({ virtual }) => constants.has(virtual))) return [];
      const fresh = new Map<number, Virtual>();
      const map = (register: Virtual): Virtual => {
        if (!wanted.has(register.virtual)) return register;
        let it = fresh.get(register.virtual);
        if (!it) {
          fresh.set(register.virtual, (it = { virtual: fn.virtuals++ }));
          made.push(it.virtual);
        }
        return it;
      };
      const body = mapInstruction(instruction, map);
      const before = [...new Set(uses.map(({ virtual }) => virtual))].flatMap((v): Instruction[] => {
        const to = fresh.get(v);
        if (!to) return [];
        const recipe = constants.get(v);
        if (recipe) return recipe.map((it) => mapInstruction(it, () => to));
        return [define('ldr', to, slots.get(v)!)];
      });
      const after = defs.flatMap(({ virtual }): Instruction[] => {
        const from = fresh.get(virtual);
        return from ? [effect('str', from, slots.get(virtual)!)] : [];
      });
      return [...before, body, ...after];
    });
  for (const block of fn.blocks) block.code = rewrite(block);
  return made;
}

/** Gives every register of a function its core register, and drops the copies that turn out to be none. */
export function allocate(fn: MachineFunction): void {
  const unspillable = new Set<number>();
  for (;;) {
    const { colours, spilled } = colour(fn, unspillable);
    if (spilled.length > 0) {
      for (const it of spill(fn, spilled)) unspillable.add(it);
      continue;
    }
    const map = ({ virtual }: Virtual): Virtual => core[colours[virtual]!]!;
    for (const block of fn.blocks) {
      block.code = block.code
        .map((it) => mapInstruction(it, map))
        .filter(({ name, operands: [to, from] }) => !(name === 'mov' && to === from));
    }
    return;
  }
}
