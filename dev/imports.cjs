/**
 * The rules for imports within the package, type-only ones included. Dependencies point one way:
 * node -> submit, wait, result -> http, providers, parameters, media -> n8n, util, errors, task.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const rule = (name, comment, from, to) => ({
	name,
	comment,
	severity: 'error',
	from: { path: from },
	to: { path: to },
});

module.exports = {
	forbidden: [
		{
			name: 'no-cycle',
			comment: 'Two files that import each other are one idea in two places.',
			severity: 'error',
			from: {},
			to: { circular: true },
		},
		rule('shared-knows-no-node', 'What is shared serves any node.', '^nodes/shared', '^nodes/Kling'),
		rule(
			'vocabulary-first',
			'The words of the package depend on nothing but words.',
			'^nodes/shared/(util/|task|timing)',
			'^nodes/shared/(?!util/|task|timing|errors)',
		),
		rule(
			'readers-are-pure',
			'The readers of files know nothing of n8n, of providers, or of waiting.',
			'^nodes/shared/media/(?!binarySource)',
			'^nodes/shared/(n8n|http|providers|parameters|wait|result)|n8n-workflow',
		),
		rule(
			'requests-know-no-wait',
			'Requests, providers and parameters serve the wait, not the other way round.',
			'^nodes/shared/(http|providers|parameters|media|n8n)/',
			'^nodes/shared/(wait|result)/',
		),
		rule(
			'checks-spend-nothing',
			'What reads and checks items cannot reach what creates a task.',
			'^nodes/KlingV2vGenerate/(request|media)/',
			'^nodes/KlingV2vGenerate/submit/submit',
		),
		{
			name: 'no-orphan',
			comment: 'A file that nothing imports is not needed.',
			severity: 'error',
			from: {
				orphan: true,
				pathNot: ['\\.node\\.ts$', '\\.credentials\\.ts$'],
			},
			to: {},
		},
	],
	options: {
		tsPreCompilationDeps: true,
		tsConfig: { fileName: 'tsconfig.json' },
		doNotFollow: { path: 'node_modules' },
	},
};
