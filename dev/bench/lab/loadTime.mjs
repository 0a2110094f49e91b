// @ts-check
// A process of its own for one reading: how long one package's nodes and credentials take to load, where n8n-workflow is
// loaded already, as it always is in n8n.
// Arguments: the package's folder, and a file beside whose node_modules n8n is.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [folder, besideN8n] = /** @type {[string, string]} */ (process.argv.slice(2));
createRequire(besideN8n)('n8n-workflow');

const manifest = path.join(folder, 'package.json');
const { nodes = [], credentials = [] } = JSON.parse(fs.readFileSync(manifest, 'utf8')).n8n;
const require = createRequire(manifest);
const files = [...nodes, ...credentials].map((file) => path.join(folder, file));

const began = performance.now();
const modules = files.map((file) => require(file));
const loaded = performance.now();
// n8n makes one of each when it starts; descriptions are built then, at the latest.
files.forEach(
	(file, n) => new modules[n][/** @type {string} */ (path.basename(file).split('.')[0])](),
);
const made = performance.now();

console.log(
	JSON.stringify({
		load: loaded - began,
		make: made - loaded,
		nodes: nodes.length,
		credentials: credentials.length,
	}),
);
