import path from 'node:path';
import { defineConfig } from '@playwright/test';
import { root } from '../../dev/setup.mjs';
import { chromium } from './editor/chromium.mjs';
import type { InstanceOptions } from './fixtures.mts';

/** Where no linter looks. */
const output = path.join(root, 'node_modules/.cache/e2e');

const MINUTE = 60_000;

/** The packed package where its users have it: in n8n servers of every kind, and in the editor. */
export default defineConfig<object, InstanceOptions>({
	testDir: '.',
	globalSetup: './clean.mts',
	// One server at a time, and what one test measures is not another's.
	workers: 1,
	fullyParallel: false,
	forbidOnly: Boolean(process.env.CI),
	// Only a test that hangs comes so far: the machine may be busy.
	timeout: 10 * MINUTE,
	expect: { timeout: MINUTE },
	outputDir: path.join(output, 'results'),
	reporter: [['list'], ['html', { open: 'never', outputFolder: path.join(output, 'report') }]],
	projects: [
		{ name: 'sqlite', testMatch: ['everywhere/**', 'current/**', 'sqlite/**'].map(specs) },
		{
			name: 'queue',
			testMatch: ['everywhere/**', 'current/**', 'queue/**'].map(specs),
			use: { kind: 'queue' },
		},
		{ name: 'oldest', testMatch: ['everywhere/**'].map(specs), use: { kind: 'oldest' } },
		{
			name: 'oldestQueue',
			testMatch: ['everywhere/asleep', 'everywhere/killed', 'oldestQueue/**'].map(specs),
			use: { kind: 'oldestQueue' },
		},
		{
			name: 'editor',
			testMatch: ['editor/**'].map(specs),
			use: {
				// The address that the trigger shows.
				environment: { WEBHOOK_URL: 'https://n8n.example.com' },
				launchOptions: chromium,
				testIdAttribute: 'data-test-id',
				viewport: { width: 1400, height: 900 },
				actionTimeout: MINUTE,
				trace: 'retain-on-failure',
				screenshot: 'only-on-failure',
			},
		},
	],
});

function specs(name: string): string {
	return name.endsWith('**') ? `${name.slice(0, -3)}/*.spec.mts` : `${name}.spec.mts`;
}
