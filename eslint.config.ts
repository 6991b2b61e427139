import tseslint from 'typescript-eslint'

const clockDoor = 'Take a Clock (src/base/clock.ts) as an argument, so that tests can bring their own time.'
const randomDoor = 'Take a Random (src/base/random.ts) as an argument, so that tests can bring their own numbers.'
const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'performance', 'Date']

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'reports/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A non-null assertion says that the index was checked; noUncheckedIndexedAccess makes it needed in hot loops.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      // Interfaces of plain objects are written with methods; none of them asks for its `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/base/clock.ts', 'src/base/random.ts', 'src/control-plane/dashboard/**'],
    rules: {
      'no-restricted-globals': ['error', ...timers.map((name) => ({ name, message: clockDoor }))],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: randomDoor }],
      'no-restricted-imports': ['error', { paths: ['timers', 'timers/promises', 'node:timers', 'node:timers/promises'].map((name) => ({ name, message: clockDoor })) }],
    },
  },
  { files: ['.ci/**', 'src/cli.ts', 'src/cli/**', 'examples/**', 'bench/**'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
)
