// @ts-check
// Runs the simulation: `npm run simulate -- --runs 20000 --seed 1`.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformFileSync } from '@swc/core';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
// Under node_modules, so that the compiled modules find the packages that they import.
const compiled = path.join(root, 'node_modules/.cache/simulation', String(process.pid));

/** Node.js 20 runs no TypeScript: the modules of this folder are compiled first. */
function compile() {
	fs.mkdirSync(compiled, { recursive: true });
	for (const file of fs.readdirSync(here).filter((name) => name.endsWith('.mts'))) {
		const { code } = transformFileSync(path.join(here, file), {
			jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
			module: { type: 'es6' },
			swcrc: false,
		});
		const name = file.replace(/\.mts$/, '.mjs');
		fs.writeFileSync(
			path.join(compiled, name),
			code.replace(/(from\s+['"]\.\/[\w]+)\.mts(['"])/g, '$1.mjs$2'),
		);
	}
}

compile();
try {
	const { command } = await import(pathToFileURL(path.join(compiled, 'command.mjs')).href);
	process.exitCode = await command(root, process.argv.slice(2));
} finally {
	fs.rmSync(compiled, { recursive: true, force: true });
}
