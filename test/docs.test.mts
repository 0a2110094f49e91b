import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

test('the tables of README and docs/ are as the declarations say', () => {
	const { status, stderr } = spawnSync(process.execPath, ['dev/docs/main.mjs', '--check'], {
		encoding: 'utf8',
	});
	expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

/** As hosts of Markdown make it from a heading. */
function anchorOf(heading: string): string {
	const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
	return text
		.replace(/[^\p{L}\p{N}_\- ]/gu, '')
		.trim()
		.replaceAll(' ', '-');
}

/** A page without its blocks of code. */
const textOf = (file: string) => readFileSync(file, 'utf8').replace(/```[^]*?```/g, '');

test('every link from one page of the project to another leads to a file and a heading that are there', () => {
	const pages = ['.', 'docs', 'docs/samples', 'dev/emulator', 'dev/package'].flatMap((folder) =>
		readdirSync(folder)
			.filter((name) => name.endsWith('.md'))
			.map((name) => path.join(folder, name)),
	);
	const dead = pages.flatMap((page) => {
		const text = textOf(page);
		const links = [
			...text.matchAll(/\]\(([^)\s]+)\)/g),
			...text.matchAll(/(?:src|srcset)="([^"]+)"/g),
		].map(([, link]) => link);
		return links
			.filter((link) => !/^\w+:/.test(link))
			.filter((link) => {
				const [file, anchor] = link.split('#');
				const target = file ? path.join(path.dirname(page), file) : page;
				if (!existsSync(target)) return true;
				if (!anchor || !target.endsWith('.md')) return false;
				const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, text]) => text);
				return !headings.map(anchorOf).includes(anchor);
			})
			.map((link) => `${page}: ${link}`);
	});
	expect(dead).toEqual([]);
});
