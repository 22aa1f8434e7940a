/** Writes AssemblyScript's declarations of the intrinsics from the tables that define them: the hypervisor's, and those of Linux. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { intrinsicDeclarations, linuxDeclarations } from '../src/translate/declarations.js';

const src = join(import.meta.dirname, '../src');

await writeFile(join(src, 'hypervisor/body/intrinsics.ts'), intrinsicDeclarations());
await writeFile(join(src, 'hypberryd/body/linux.ts'), linuxDeclarations());
