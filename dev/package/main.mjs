// @ts-check
/** `npm run package -- --only <provider>`: the package with one provider, built, linted, scanned and packed. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { clone } from '../server/cache.mjs';
import { npm } from '../server/npm.mjs';
import { untar } from '../server/untar.mjs';
import { root, setUp } from '../setup.mjs';
import { writeSingle, writeTables } from './single.mjs';

await setUp();
const { values } = parseArgs({ options: { only: { type: 'string' }, into: { type: 'string' } } });
if (values.only === undefined) {
	console.error('Say which provider: npm run package -- --only <provider> [--into <folder>]');
	process.exit(1);
}
const folder = path.resolve(
	values.into ?? path.join(os.tmpdir(), `kling-v2v-package-${clone}`, values.only),
);
const { name } = writeSingle(root, folder, values.only);
const log = `${folder}.log`;
/** @param {string[]} args @param {string} what */
const run = async (args, what) => {
	console.log(what);
	await npm(args, { what, cwd: folder, log, failed: `${what} failed: see ${log}.` });
};
await run(['run', 'build'], 'Building');
writeTables(folder);
await run(['run', 'build'], 'Building with its own tables');
await run(['run', 'lint'], "n8n's lint, strict");
await run(['pack', '--ignore-scripts', '--pack-destination', root], 'Packing');

/** By a variable: the scanner brings no types. */
const scanner = '@n8n/scan-community-package/scanner/scanner.mjs';
const { analyzePackage, SOURCE_FILE_PATTERNS } = await import(scanner);
const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
const tarball = path.join(root, `${name}-${version}.tgz`);
const packed = path.join(`${folder}-packed`, name);
fs.rmSync(packed, { recursive: true, force: true });
untar(tarball, packed);
for (const [what, where, patterns] of [
	['the packed package', packed, undefined],
	['its sources', folder, SOURCE_FILE_PATTERNS],
]) {
	const { passed, message, details } = await analyzePackage(where, patterns);
	console.log(passed ? `${what}: 0 errors` : `${what}: ${message}\n${details ?? ''}`);
	if (!passed) process.exitCode = 1;
}
console.log(`${name} ${version}: sources in ${folder}, package in ${tarball}`);
