/** The ways within a unit as blocks and loops of WebAssembly (Ramsey: Beyond Relooper, 2022). */
import type { Code, Label } from './code.js';
import type { Graph } from './graph.js';

/** What writes the nodes. */
export interface NodeWriter {
  /** A node is come to, by one of its ways: the flags stand in their words there, where there are several. */
  begin(node: number): void;
  write(node: number): void;
  /** Several ways meet behind this. */
  meet(): void;
}

export class Ways {
  private readonly children: readonly number[][];
  private readonly entries: readonly number[];
  private readonly isLoop: readonly boolean[];
  private readonly labels = new Map<number, Label>();
  private readonly loops = new Map<number, Label>();

  constructor(
    { nodes, edges, dominators }: Graph,
    private readonly code: Code,
    private readonly writer: NodeWriter,
  ) {
    const children = nodes.map((): number[] => []);
    dominators.forEach((of, node) => {
      if (node > 0 && of >= 0) children[of]!.push(node);
    });
    const entries = nodes.map(() => 0);
    const isLoop = nodes.map(() => false);
    edges.forEach((of, from) => {
      if (dominators[from]! < 0) return;
      for (const to of of.values()) {
        if (to <= from) isLoop[to] = true;
        else entries[to]!++;
      }
    });
    this.children = children;
    this.entries = entries;
    this.isLoop = isLoop;
  }

  /** Writes a node, and what can be reached through it alone. */
  write(node: number): void {
    const { code, writer } = this;
    const merges = this.children[node]!.filter((it) => this.isMerge(it));
    if (!this.isLoop[node]) {
      this.writeMerges(node, merges);
      return;
    }
    writer.meet();
    this.loops.set(node, code.open('loop'));
    writer.begin(node);
    this.writeMerges(node, merges);
    code.end();
  }

  /** Goes on at another node: it is written here, where this is the only way to it. */
  goTo(from: number, to: number): void {
    if (to > from && !this.isMerge(to)) {
      this.write(to);
      return;
    }
    this.writer.meet();
    this.code.branch((to <= from ? this.loops : this.labels).get(to)!);
  }

  private isMerge(node: number): boolean {
    return this.entries[node]! > 1;
  }

  /** Those that come last are outermost. */
  private writeMerges(node: number, merges: readonly number[]): void {
    const last = merges.at(-1);
    if (last === undefined) {
      this.writer.write(node);
      return;
    }
    this.labels.set(last, this.code.open('block'));
    this.writeMerges(node, merges.slice(0, -1));
    this.code.end();
    this.writer.begin(last);
    this.write(last);
  }
}
