// @ts-check
/**
 * `npm run docs`: writes the tables of parameters in README and docs/ anew, and the words by which n8n
 * finds the nodes. With `--check` it writes nothing, and fails where something is stale.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generated } from './generated.mjs';

const root = process.cwd();
const stale = generated(root).filter(({ before, after }) => before !== after);
if (process.argv.includes('--check')) {
	for (const { file } of stale) console.error(`${file} is stale: run "npm run docs"`);
	process.exitCode = stale.length > 0 ? 1 : 0;
} else {
	for (const { file, after } of stale) writeFileSync(join(root, file), after);
	console.log(stale.map(({ file }) => `${file} is written anew`).join('\n') || 'Nothing was stale');
}
