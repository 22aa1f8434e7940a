import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hasProgram, run } from './run.js';

/** Debian's archive keys, as the package `debian-archive-keyring` installs them. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Where Debian's archive is, when the machine's own sources do not say. */
const defaultArchive = 'http://deb.debian.org/debian';

/** Whether this machine has Debian's package client and keys: Debian, Raspberry Pi OS and their kin. */
export async function hasDebianClient(): Promise<boolean> {
  const found = await Promise.all([
    hasProgram('apt-get'),
    hasProgram('dpkg-deb'),
    readFile(keyring).then(
      () => true,
      () => false,
    ),
  ]);
  return found.every((it) => it);
}

/**
 * The address of Debian's archive in sources files, one-line or deb822.
 *
 * Only Debian's own: Raspberry Pi's and Raspbian's archives hold other packages under the same names.
 * @param sources text of the files
 */
export function debianArchive(sources: string): string {
  const addresses = sources
    .split('\n')
    .filter((line) => /^(deb\s|URIs:)/.test(line))
    .flatMap((line) => line.match(/https?:\/\/\S+/g) ?? []);
  return (
    addresses.find((it) => /\/debian\/?$/.test(it) && !/raspberrypi|raspbian/.test(it)) ?? defaultArchive
  );
}

async function machineSources(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(folder, name));
  const texts = ['/etc/apt/sources.list', ...files].map((file) => readFile(file, 'utf8').catch(() => ''));
  return (await Promise.all(texts)).join('\n');
}

/** Debian's package client with a private state: nothing of the system's package state is read or written. */
export interface DebianClient {
  /** The package that `name` of `suite` depends on whose name matches `pattern`. */
  dependency(suite: string, name: string, pattern: RegExp): Promise<string>;
  /**
   * Downloads a package and unpacks some of its files.
   * @param wanted name to write in `folder` by the path inside the package, in which `*` stands for anything
   * @returns the package's name and version
   */
  unpack(suite: string, name: string, wanted: ReadonlyMap<string, string>, folder: string): Promise<string>;
  /**
   * Downloads a package and all that it depends on, and unpacks them into one folder, as they would be installed.
   * @returns the package's name and version
   */
  unpackAll(suite: string, name: string, folder: string): Promise<string>;
  /**
   * Downloads packages and all that they depend on.
   * @returns the paths of all packages that this client has downloaded
   */
  downloadAll(suite: string, names: readonly string[]): Promise<readonly string[]>;
  /**
   * Downloads a source package and unpacks some of what its upstream gave.
   * @param wanted paths in its archive, in which `*` stands for anything
   */
  unpackSource(suite: string, name: string, wanted: readonly string[], folder: string): Promise<void>;
}

/** The name and version of a package's file. */
async function versionOf(file: string): Promise<string> {
  return (await run('dpkg-deb', ['-W', file])).trim().replace('\t', ' ');
}

/**
 * Opens a client for some suites and one architecture, with fresh package lists.
 * @param folder a folder of the caller's, for lists and packages
 * @throws Error where the lists cannot be fetched
 */
export async function openDebianClient(
  folder: string,
  architecture: string,
  suites: readonly string[],
): Promise<DebianClient> {
  const path = (name: string) => join(folder, name);
  await mkdir(path('lists/partial'), { recursive: true });
  await mkdir(path('cache/archives/partial'), { recursive: true });
  await writeFile(
    path('debian.sources'),
    [
      'Types: deb',
      `URIs: ${debianArchive(await machineSources())}`,
      `Suites: ${suites.join(' ')}`,
      'Components: main non-free-firmware',
      `Architectures: ${architecture}`,
      `Signed-By: ${keyring}`,
      '',
    ].join('\n'),
  );
  // A file given with -c is read last. The cleared lists are commands of the machine's own, run after an update.
  await writeFile(
    path('apt.conf'),
    [
      '#clear APT::Architectures;',
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      `APT::Architecture "${architecture}";`,
      `APT::Architectures { "${architecture}"; };`,
      'APT::Sandbox::User "root";',
      'Acquire::Languages "none";',
      `Dir::State::Lists "${path('lists')}";`,
      'Dir::State::Status "/dev/null";',
      `Dir::Cache "${path('cache')}";`,
      `Dir::Etc::SourceList "${path('debian.sources')}";`,
      'Dir::Etc::SourceParts "/dev/null";',
      'Dir::Etc::Preferences "/dev/null";',
      'Dir::Etc::PreferencesParts "/dev/null";',
      '',
    ].join('\n'),
  );
  const config = ['-c', path('apt.conf')];
  await run('apt-get', [...config, '-q', 'update']);

  async function downloadAll(suite: string, names: readonly string[]): Promise<string[]> {
    const options = ['-q', '-y', '--no-install-recommends', '--download-only'];
    await run('apt-get', [...config, ...options, 'install', ...names.map((name) => `${name}/${suite}`)]);
    const archives = path('cache/archives');
    const packages = (await readdir(archives)).filter((it) => it.endsWith('.deb'));
    return packages.map((it) => join(archives, it));
  }

  return {
    async dependency(suite, name, pattern) {
      const record = await run('apt-cache', [...config, 'show', `${name}/${suite}`]);
      const names =
        /^Depends: (.*)$/m
          .exec(record)?.[1]
          ?.split(',')
          .map((it) => it.trim().split(' ')[0]!) ?? [];
      const found = names.find((it) => pattern.test(it));
      if (found === undefined) throw new Error(`${name} of Debian ${suite} depends on no ${String(pattern)}`);
      return found;
    },

    async unpack(suite, name, wanted, target) {
      const work = path(`unpack-${suite}-${name}`);
      await mkdir(work, { recursive: true });
      await run('apt-get', [...config, '-q', 'download', `${name}/${suite}`], { cwd: work });
      const file = join(
        work,
        (await readdir(work)).find((it) => it.endsWith('.deb'))!,
      );
      await mkdir(target, { recursive: true });
      const unpack = 'file=$1; shift; dpkg-deb --fsys-tarfile "$file" | tar -x --wildcards "$@"';
      await run('sh', ['-c', unpack, 'sh', file, ...[...wanted.keys()].map((it) => `./${it}`)], {
        cwd: work,
      });
      for (const [inside, outside] of wanted) {
        // The shell finds what * stands for; "mv" would refuse two.
        await run('sh', ['-c', 'IFS=; mv -T $1 "$2"', 'sh', inside, join(target, outside)], { cwd: work });
      }
      return versionOf(file);
    },

    async unpackAll(suite, name, target) {
      const packages = await downloadAll(suite, [name]);
      await mkdir(target, { recursive: true });
      for (const it of packages) await run('dpkg-deb', ['-x', it, target]);
      return versionOf(packages.find((it) => basename(it).startsWith(`${name}_`))!);
    },

    downloadAll,

    async unpackSource(suite, name, wanted, target) {
      const text = await readFile(path('debian.sources'), 'utf8');
      await writeFile(path('debian.sources'), text.replace('Types: deb\n', 'Types: deb-src\n'));
      await run('apt-get', [...config, '-q', 'update']);
      const work = path(`source-${suite}-${name}`);
      await mkdir(work, { recursive: true });
      await run('apt-get', [...config, '-q', 'source', '--download-only', `${name}/${suite}`], { cwd: work });
      const original = (await readdir(work)).find((it) => /\.orig\.tar\.\w+$/.test(it))!;
      await mkdir(target, { recursive: true });
      const options = ['-C', target, '--strip-components=1', '--wildcards'];
      await run('tar', ['-x', '-f', join(work, original), ...options, ...wanted]);
    },
  };
}
