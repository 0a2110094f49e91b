// @ts-check
// Cuts every source at three places, holds each cut against ffmpeg, and cuts 50,000 damaged ones:
// `npm run sweep -- [damaged sources]`.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const damaged = process.argv[2] ?? '50000';
const { status } = spawnSync('npx', ['jest', 'media.cut'], {
	stdio: 'inherit',
	env: { ...process.env, CUT_SWEEP: '1', CUT_FUZZ: damaged },
});
process.exitCode = status ?? 1;
