import { describe, expect, it } from 'vitest';
import { debianArchive } from '../../scripts/lib/debian.js';

describe('the archive that packages are fetched from', () => {
  it('is the one that the machine uses', () => {
    expect(debianArchive('Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm\n')).toBe(
      'https://mirror.example/debian',
    );
    expect(
      debianArchive(
        '# deb http://old.example/debian x\ndeb [arch=armhf] http://a.example/debian/ trixie main\n',
      ),
    ).toBe('http://a.example/debian/');
  });

  it('is Debian’s own where the machine has another system’s, or only security updates', () => {
    for (const sources of [
      '',
      'deb http://raspbian.raspberrypi.com/raspbian/ bookworm main',
      'deb http://archive.raspberrypi.com/debian/ bookworm main',
      'URIs: http://deb.debian.org/debian-security\n',
    ]) {
      expect(debianArchive(sources)).toBe('http://deb.debian.org/debian');
    }
  });
});
