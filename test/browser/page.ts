/// <reference types="vite/types/importMeta.d.ts" />
/** The page: loads every module that is to run in a browser, walks over each card, and posts what that gave. */
import { walk, type Walked } from './walk.js';

/** What the page posts: `error` where it came to nothing else. */
export interface Posted {
  readonly error?: string;
  /** The modules that were loaded, by their paths. */
  readonly modules: readonly string[];
  readonly walks: Readonly<Record<string, Walked>>;
}

/** All of src but what only Node or AssemblyScript's compiler runs. */
const modules = import.meta.glob(
  ['/src/**/*.ts', '!/src/{cli,node}/**', '!/src/{hypervisor,hypberryd}/body/**', '!/src/cpu/interpreter/**'],
  { eager: true },
);

const names = (await (await fetch('/cards')).json()) as string[];
const walks: Record<string, Walked> = {};
for (const name of names)
  walks[name] = await walk(new Uint8Array(await (await fetch(`/cards/${name}`)).arrayBuffer()));
const posted: Posted = { modules: Object.keys(modules), walks };
await fetch('/posted', { method: 'POST', body: JSON.stringify(posted) });
