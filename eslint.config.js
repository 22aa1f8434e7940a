import tseslint from 'typescript-eslint';

export default tseslint.config(
  // src/arm/cpu/interpreter is AssemblyScript; interpreter-binary.ts is made from it.
  {
    ignores: [
      ...['dist/', '.cache/', 'node_modules/', '*.config.js'],
      ...['src/arm/cpu/interpreter/', 'src/arm/cpu/interpreter-binary.ts'],
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
