import tseslint from 'typescript-eslint';

export default tseslint.config(
  // AssemblyScript, with decorators of functions; interpreter-binary.ts is made from src/cpu/interpreter.
  {
    ignores: [
      ...['dist/', '.cache/', 'node_modules/', '*.config.js', 'bin/'],
      ...['src/cpu/interpreter/', 'src/cpu/interpreter-binary.ts'],
      ...[
        'src/hypervisor/hypervisor-binary.ts',
        'src/hypervisor/hypervisor-code.ts',
        'src/hypervisor/body/generated/',
        'test/translate/samples/',
      ],
      ...[
        'src/hypberryd/hypberryd-binary.ts',
        'src/hypberryd/hypberryd-file.ts',
        'src/hypberryd/body/generated/',
        'src/hypberryd/generated/',
      ],
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Addresses, register numbers and sizes stand in messages all the time.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // One interface serves synchronous and asynchronous cards alike.
      '@typescript-eslint/require-await': 'off',
      // With noUncheckedIndexedAccess, "!" after a checked index is the short way to say so.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // What a card may lack is in its type there: whoever goes on with it has asked.
    files: ['src/setup/**', 'src/usecases/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'error' },
  },
  {
    // What a browser and Node both have: the language, and these. Tests load it in a browser (test/browser).
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**', 'src/node/**', 'src/hypervisor/body/**', 'src/hypberryd/body/**'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...[
            'AbortController',
            'AbortSignal',
            'ReadableStream',
            'TextDecoder',
            'TextEncoder',
            'WebAssembly',
          ],
          ...[
            'atob',
            'btoa',
            'clearInterval',
            'clearTimeout',
            'crypto',
            'performance',
            'queueMicrotask',
            'setInterval',
            'setTimeout',
            'structuredClone',
          ],
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: { 'no-undef': 'error' },
  },
  {
    // AssemblyScript, whose integer types are all "number" to TypeScript.
    files: ['src/hypervisor/body/**', 'src/hypberryd/body/**'],
    rules: {
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // Its compiler sees that a function ends in a loop only by `while (true)`.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // All devices are called alike, whether or not they look at an argument.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // Registers by name, `HCR.read()`: a class would be code.
      '@typescript-eslint/no-namespace': 'off',
    },
  },
);
