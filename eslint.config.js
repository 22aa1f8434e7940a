import tseslint from 'typescript-eslint';

export default tseslint.config(
  // AssemblyScript; interpreter-binary.ts is made from src/arm/cpu/interpreter.
  {
    ignores: [
      ...['dist/', '.cache/', 'node_modules/', '*.config.js'],
      ...['src/arm/cpu/interpreter/', 'src/arm/cpu/interpreter-binary.ts'],
      ...['src/hypervisor/body/', 'src/hypervisor/hypervisor-binary.ts', 'test/translate/samples/'],
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
);
