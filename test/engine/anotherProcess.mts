import { afterAll } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { INodeType } from 'n8n-workflow';

/** Where a copy still finds `n8n-workflow`. */
const folder = path.resolve('node_modules/.cache/other-processes');

const copies: string[] = [];
afterAll(() => copies.forEach((copy) => rmSync(copy, { recursive: true })));

/** A node as a further process of n8n has it: another copy of all code, and so of all memory. */
export function anotherProcess(className: string): INodeType {
	mkdirSync(folder, { recursive: true });
	const copy = mkdtempSync(path.join(folder, 'dist-'));
	copies.push(copy);
	cpSync(path.resolve('dist'), copy, { recursive: true });
	const file = path.join(copy, 'nodes', className, `${className}.node.js`);
	const loaded = createRequire(__filename)(file) as Record<string, new () => INodeType>;
	return new loaded[className]();
}
