import { once } from 'node:events';
import fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchMemory } from '../../../dev/server/memory.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import { longVideo } from '../../media/longVideo.mts';
import { Files, run, tool } from '../../media/tools.mts';
import { expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import type { Stage } from '../stage.mts';
import { billedTasks } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { call, GENERATE, publishBatch } from '../workflows.mts';

const MB = 1024 * 1024;

/** As phones record: 27 million bits a second, a key frame each second, and the index behind the pictures. */
const PHONE =
	'-t 6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 30 -bf 0 -b:v 27M -minrate 27M -maxrate 27M -bufsize 27M -nal-hrd cbr -c:a aac';
const INPUT = '-f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=sample_rate=44100';

const clips = new Files([
	{ name: 'phone-6.mov', ffmpeg: `${INPUT} ${PHONE}`.split(' ') },
	{
		name: 'phone-60.mov',
		from: ['phone-6.mov'],
		ffmpeg: '-stream_loop 9 -i @0 -map 0 -c copy'.split(' '),
	},
]);

/** A file at a host that sends parts, and what was read of it. */
class Hosted {
	requests = 0;

	bytes = 0;

	url = '';

	private readonly server = createServer((request, response) => {
		const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
		void this.read(Number(from), Number(to) - Number(from) + 1).then((part) => {
			this.requests++;
			this.bytes += part.length;
			const end = Number(from) + part.length - 1;
			response.writeHead(206, {
				'content-range': `bytes ${from}-${end}/${this.size}`,
				etag: '"one"',
			});
			response.end(part);
		});
	});

	constructor(
		readonly size: number,
		private readonly read: (offset: number, length: number) => Promise<Buffer>,
	) {}

	async open(): Promise<this> {
		this.server.listen(0, '127.0.0.1');
		await once(this.server, 'listening');
		this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/clip.mov`;
		return this;
	}

	reset(): void {
		Object.assign(this, { requests: 0, bytes: 0 });
	}

	close(): void {
		this.server.closeAllConnections();
		this.server.close();
	}
}

async function fromDisk(file: string): Promise<Hosted> {
	const handle = await fs.promises.open(file);
	const { size } = await handle.stat();
	return new Hosted(size, async (offset, length) => {
		const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
		return buffer.subarray(0, bytesRead);
	});
}

async function ofTwoGigabytes(): Promise<Hosted> {
	const short = await clips.bytes('phone-6.mov');
	const source = longVideo(short, Math.ceil((2.1 * 1024 * MB) / short.length));
	return new Hosted(
		source.size,
		async (offset, length) => (await source.read(offset, length)) as Buffer,
	);
}

interface Made {
	clip: { start: number; duration: number; size: number };
	milliseconds: number;
}

/** Makes a video of a part, and holds the file that the provider was given against its item. */
async function makeOf(stage: Stage, url: string, clipStart: number): Promise<Made> {
	const before = (await stage.emulator.state()).requests.length;
	const options = { pollInterval: 1, clipStart, clipLength: 8, whileWaiting: 'run' };
	const workflow = await publishBatch(stage, { parameters: { videoUrl: url, options } });
	const execution = await stage.instance.session.executionEnd(
		await call(stage, workflow, ['@Video1 at night']),
	);
	expectSuccess(execution);
	await checkVideos(stage, execution, { [GENERATE]: { binary: 1, files: 0 } });
	const [{ json }] = itemsOf(execution, GENERATE);
	const { requests } = await stage.emulator.state();
	const [create] = requests.slice(before).filter(({ action }) => action === 'create');
	const asset = await fetch((create.body as { video_url: string }).video_url);
	const made = path.join(stage.videos, 'clip.mov');
	fs.writeFileSync(made, Buffer.from(await asset.arrayBuffer()));
	const { stdout } = await run(tool('ffprobe'), [
		...['-v', 'error', '-of', 'json', '-show_streams', '-select_streams', 'v', made],
	]);
	const [{ duration }] = (JSON.parse(stdout) as { streams: Array<{ duration: string }> }).streams;
	const clip = json.clip as Made['clip'];
	expect(clip.size).toBe(fs.statSync(made).size);
	expect(clip.duration).toBeCloseTo(Number(duration), 3);
	// To the nearest frame.
	expect(Math.abs(clip.duration - options.clipLength)).toBeLessThan(1 / 30 + 0.001);
	const { startedAt, stoppedAt } = execution;
	return { clip, milliseconds: Date.parse(String(stoppedAt)) - Date.parse(startedAt) };
}

test.use({ taskSeconds: 0 });

test('8 s of a clip of 60 s and 200 MB, and of one of 2 GB, are cut out with a few megabytes of memory', async ({
	stage,
	instance,
}) => {
	const minute = await (await fromDisk(await clips.path('phone-60.mov'))).open();
	const hours = await (await ofTwoGigabytes()).open();
	try {
		expect(minute.size).toBeGreaterThan(190 * MB);
		expect(hours.size).toBeGreaterThan(2 * 1024 * MB);
		// In a process that has not yet done much else; its first runs load code and fill caches.
		await instance.restart();
		for (let runs = 0; runs < 4; runs++) await makeOf(stage, minute.url, 40);
		await sleep(2000);

		for (const [name, host, start] of [
			['60 s, 200 MB', minute, 31],
			['2 GB', hours, 331],
		] as const) {
			host.reset();
			const memory = await watchMemory(instance.runner.pid);
			const { clip, milliseconds } = await makeOf(stage, host.url, start);
			const more = memory.stop() - memory.base;
			expect(clip.start).toBeCloseTo(start, 1);
			measured(
				`${name}: ${(host.bytes / MB).toFixed(1)} MB read in ${host.requests} requests for a part of ${(clip.size / MB).toFixed(1)} MB; ${(milliseconds / 1000).toFixed(1)} s in all; ${Math.round(more / MB)} MB over ${Math.round(memory.base / MB)} MB`,
			);
			expect(host.bytes, 'bytes read of the source').toBeLessThan(clip.size * 1.05 + 4 * MB);
			expect(more, 'bytes of memory').toBeLessThan(16 * MB);
		}
		expect(await billedTasks(stage), 'billed tasks').toBe(6);
	} finally {
		minute.close();
		hours.close();
	}
});
