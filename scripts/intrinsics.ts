/** Writes src/hypervisor/body/intrinsics.ts, AssemblyScript's declarations of the intrinsics, from the tables that define them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { intrinsicDeclarations } from '../src/translate/declarations.js';

const file = join(import.meta.dirname, '../src/hypervisor/body/intrinsics.ts');

await mkdir(dirname(file), { recursive: true });
await writeFile(file, intrinsicDeclarations());
