import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { extname, join } from 'node:path';
import type { Bundle } from './bundle.js';

/** Nothing of it goes to the network but to the address that it is given. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
];

const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** Posts every error that nobody catches, those of loading the script too. */
const PAGE = (entry: string): string => `<!doctype html><meta charset="utf-8"><title>hypberry</title>
<link rel="icon" href="data:,">
<script>
  const fail = (error) => fetch('/posted', { method: 'POST', body: JSON.stringify({ error: String(error?.stack ?? error) }) });
  addEventListener('error', ({ error, message }) => fail(error ?? message ?? 'the script could not be loaded'), true);
  addEventListener('unhandledrejection', ({ reason }) => fail(reason));
</script>
<script type="module" src="/${entry}"></script>`;

/** How the names of the profiles begin that browsers of this process run on. */
export const PROFILE = join(os.tmpdir(), `hypberry-chromium-${process.pid}-`);

/**
 * Opens a page in headless Chromium and waits for what it posts to `/posted`.
 * @param files what it can fetch beside its scripts, by their paths
 * @param signal of the test that waits: with its time Chromium's is over, too
 * @returns the text that it posted
 * @throws Error where Chromium ends before, or has to
 */
export async function openPage(
  page: Bundle,
  files: Readonly<Record<string, string | Uint8Array>>,
  signal: AbortSignal,
): Promise<string> {
  const profile = fs.mkdtempSync(PROFILE);
  const server = createServer();
  const posted = new Promise<string>((resolve) => {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url ?? '/';
      if (path === '/posted') {
        let text = '';
        request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        request.once('end', () => {
          response.end();
          resolve(text);
        });
        return;
      }
      const content = path === '/' ? PAGE(page.entry) : (page.files.get(path.slice(1)) ?? files[path]);
      const type = TYPES[extname(path)] ?? 'text/html';
      response.writeHead(content === undefined ? 404 : 200, { 'content-type': type });
      response.end(content);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // A group of its own: what Debian calls chromium-headless-shell is a script that starts it.
  const child = spawn(
    'chromium-headless-shell',
    [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (status) => {
      resolve(new Error(`Chromium ended with status ${String(status)}: ${said}`));
    });
  });
  const over = new Promise<Error>((resolve) => {
    const tell = (): void => {
      resolve(new Error(`The page had posted nothing when its time was over. Chromium said: ${said}`));
    };
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
  try {
    const first = await Promise.race([posted, ended, over]);
    if (first instanceof Error) throw first;
    return first;
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await ended;
    server.close();
    server.closeAllConnections();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}
