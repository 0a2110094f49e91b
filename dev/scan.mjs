// @ts-check
/**
 * The lint stage of n8n's own package scanner, without its downloads: the packed package, as it would
 * be published, and the sources it is made from.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packInto } from './server/pack.mjs';
import { root, setUp } from './setup.mjs';

await setUp();
/** By a variable: the scanner brings no types. */
const scanner = '@n8n/scan-community-package/scanner/scanner.mjs';
const { analyzePackage, SOURCE_FILE_PATTERNS } = await import(scanner);
const { name } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const scratch = path.join(root, 'node_modules/.cache/scan');
await packInto(scratch, { log: path.join(scratch, 'build.log') });

let failed = 0;
for (const [what, folder, patterns] of [
	['the packed package', path.join(scratch, '.n8n/nodes/node_modules', name), undefined],
	['its sources', root, SOURCE_FILE_PATTERNS],
]) {
	const { passed, message, details } = await analyzePackage(folder, patterns);
	console.log(passed ? `${what}: 0 errors` : `${what}: ${message}\n${details ?? ''}`);
	if (!passed) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
