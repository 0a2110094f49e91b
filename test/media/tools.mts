import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** Media files made by ffmpeg, and what ffprobe says of them; both are kept for the next run. */

export const run = promisify(execFile);
const fromHere = createRequire(path.join(process.cwd(), 'package.json'));
/** What edits are made with. */
const editor = path.join(process.cwd(), 'test/media/boxes.mts');
export const kept = path.join(tmpdir(), 'kling-v2v-media-tests');

/** @returns the path of the program */
export function tool(name: 'ffmpeg' | 'ffprobe'): string {
	const { path: binary } = fromHere(`@${name}-installer/${name}`) as { path: string };
	try {
		accessSync(binary, constants.X_OK);
	} catch {
		// Installed with --ignore-scripts, ffprobe comes without its executable bit.
		chmodSync(binary, 0o755);
	}
	return binary;
}

/** How a file comes about: by ffmpeg, or by editing the bytes of another one. */
export interface Recipe {
	/** Its extension tells ffmpeg the container. */
	name: string;
	/** Other files, which ffmpeg gets as inputs, or the edit as bytes. */
	from?: string[];
	/** ffmpeg's arguments; `@0` stands for the path of the first file in `from`. */
	ffmpeg?: string[];
	edit?: (bytes: Buffer) => Buffer;
}

export interface Probe {
	format: { format_name: string; duration?: string };
	streams: ProbedStream[];
}

export interface ProbedStream {
	codec_type: string;
	codec_tag_string: string;
	width: number;
	height: number;
	avg_frame_rate: string;
	start_time?: string;
	duration?: string;
	disposition: { default: number; attached_pic: number };
	side_data_list?: Array<{ rotation?: number }>;
}

export class Files {
	private readonly recipes: Map<string, Recipe>;

	private readonly made = new Map<string, Promise<string>>();

	constructor(recipes: Recipe[]) {
		this.recipes = new Map(recipes.map((recipe) => [recipe.name, recipe]));
	}

	/** @returns the path of a file, which is made if no earlier run has left it */
	async path(name: string): Promise<string> {
		const known = this.made.get(name);
		if (known) return await known;
		const making = this.make(name);
		this.made.set(name, making);
		return await making;
	}

	async bytes(name: string): Promise<Buffer> {
		return await readFile(await this.path(name));
	}

	async probe(name: string): Promise<Probe> {
		const file = await this.path(name);
		const note = `${file}.probe.json`;
		if (!existsSync(note)) {
			const { stdout } = await run(tool('ffprobe'), [
				...['-v', 'error', '-of', 'json', '-show_format', '-show_streams'],
				file,
			]);
			await publish(note, stdout);
		}
		return JSON.parse(await readFile(note, 'utf8')) as Probe;
	}

	private async make(name: string): Promise<string> {
		const recipe = this.recipes.get(name);
		if (!recipe) throw new Error(`no recipe for ${name}`);
		const inputs: string[] = [];
		for (const from of recipe.from ?? []) inputs.push(await this.path(from));
		const file = path.join(kept, `${hash(recipe, inputs)}-${name}`);
		if (existsSync(file)) return file;
		await mkdir(kept, { recursive: true });
		if (recipe.edit) {
			await publish(file, recipe.edit(await readFile(inputs[0])));
			return file;
		}
		const draft = path.join(kept, `draft-${randomUUID()}-${name}`);
		const args = (recipe.ffmpeg ?? []).map((arg) => arg.replace(/^@(\d)$/, (_, at) => inputs[at]));
		await run(tool('ffmpeg'), ['-v', 'error', '-nostdin', '-y', ...args, draft]);
		await rename(draft, file);
		return file;
	}
}

/** Named after all that goes into it, so that a changed recipe never meets an old file. */
function hash(recipe: Recipe, inputs: string[]): string {
	const editing = recipe.edit ? [String(recipe.edit), readFileSync(editor, 'utf8')] : [];
	const parts = [recipe.ffmpeg ?? [], inputs, editing, recipe.name];
	return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Other test processes may be at it as well: only the rename shows the file. */
async function publish(file: string, content: Buffer | string): Promise<void> {
	const draft = `${file}.${randomUUID()}`;
	await writeFile(draft, content);
	await rename(draft, file);
	await rm(draft, { force: true });
}

/** Runs jobs two at a time, which is what the machine has cores for. */
export async function inPairs<T>(entries: T[], work: (entry: T) => Promise<void>): Promise<void> {
	const left = [...entries];
	const worker = async () => {
		for (let entry = left.shift(); entry !== undefined; entry = left.shift()) await work(entry);
	};
	await Promise.all([worker(), worker()]);
}
