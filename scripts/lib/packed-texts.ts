/**
 * Texts of a program for the bare machine, at a third of what AssemblyScript's strings take: ASCII, a byte each and a 0 behind
 * them, all texts of a file in one piece. A string is how far its first byte is from the beginning of the static data, which one
 * instruction holds, and nothing else of a string works; only `texts.ts` of the program knows (src/hypberryd/body/texts.ts).
 */
import * as ts from 'typescript';
import { HypberryError } from '../../src/base/errors.js';

/** Calls whose strings the compiler itself reads. */
const COMPILERS = ['offsetof', 'ERROR'];
/** The name of all texts of a file. */
const TEXTS = 'allTexts';
/** The file that may count and reach a text's units. */
const OWNER = /(?:^|\/)texts\.ts$/;

function refuse(file: string, node: ts.Node, what: string): never {
  throw new HypberryError(
    'assemblyscript.text',
    `${file}: ${node.getText()} ${what}`,
    'Use what texts.ts has for texts.',
  );
}

const isText = (node: ts.Node): node is ts.StringLiteral | ts.NoSubstitutionTemplateLiteral =>
  ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node);

/** Names that the file declares as strings: constants, and parameters of functions. */
function stringsOf(source: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (
      (ts.isVariableDeclaration(node) || ts.isParameter(node)) &&
      node.type?.kind === ts.SyntaxKind.StringKeyword
    )
      names.add(node.name.getText());
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/**
 * The source of a program with its texts packed; its lines stay as they are but for those of texts of several lines.
 * @param base where static data begin
 * @throws HypberryError `assemblyscript.text` for a text that is not ASCII or has a NUL, and where a file that is not `texts.ts`
 *   asks for the length or the address of a text, or where two are compared
 */
export function packTexts(file: string, text: string, base: number): string {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const strings = stringsOf(source);
  const isString = (node: ts.Node): boolean => isText(node) || strings.has(node.getText());
  const changes: { readonly from: number; readonly to: number; readonly text: string }[] = [];
  const bytes: number[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isCallExpression(node)) {
      const callee = node.expression.getText();
      if (COMPILERS.includes(callee)) return;
      const reaches = callee === 'changetype' && node.arguments.some(isString);
      if (reaches && !OWNER.test(file)) refuse(file, node, 'takes the address of a text');
    }
    if (
      ts.isBinaryExpression(node) &&
      /^[!=]==?$/.test(node.operatorToken.getText()) &&
      isString(node.left) &&
      isString(node.right)
    )
      refuse(file, node, 'compares texts');
    if (
      ts.isPropertyAccessExpression(node) &&
      node.name.text === 'length' &&
      isString(node.expression) &&
      !OWNER.test(file)
    )
      refuse(file, node, 'is not the length of the text');
    if (isText(node)) {
      if (!/^[\x01-\x7f]*$/.test(node.text)) refuse(file, node, 'is not ASCII');
      changes.push({
        ...{ from: node.getStart(), to: node.end },
        text: `changetype<string>(${TEXTS} + ${bytes.length} - ${base})`,
      });
      bytes.push(...new TextEncoder().encode(`${node.text}\0`));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  if (bytes.length === 0) return text;
  const packed = changes.reduceRight((all, it) => all.slice(0, it.from) + it.text + all.slice(it.to), text);
  return `const ${TEXTS}: usize = memory.data<u8>([${bytes.join()}]); ${packed}`;
}
