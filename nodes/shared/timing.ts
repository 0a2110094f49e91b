/**
 * Every timeout, pause and limit of tries, in milliseconds unless a name says otherwise. Tests shorten
 * them; nothing else writes to this object.
 */
export const timing = {
	/** Requests that carry the API key. */
	http: {
		/** Until the headers of the answer to a request that creates a task. */
		createTimeout: 60_000,
		/** The same for any other request. */
		readTimeout: 30_000,
		/** The longest JSON answer that is read, in bytes. Real ones have a few kilobytes. */
		maxJsonBytes: 2 * 1024 * 1024,
		/** The slowest upload that is waited for, in bytes per millisecond. */
		slowestLine: 100,
		/** How long a host that is down (503, refused, unknown) is tried again before giving up. */
		outage: 120_000,
		/** The same for a run that can sleep meanwhile. */
		outageAsleep: 15 * 60_000,
		/** First and longest pause between tries; a `Retry-After` counts up to the longest. */
		firstPause: 1_000,
		longestPause: 120_000,
	},
	/** Failures that a wait puts up with, so that a paid task does not die of one unlucky GET. */
	wait: {
		/** How long a task may be unknown to the provider after it was created. */
		unknownAtFirst: 120_000,
		/** The same for a task of unknown age, whose ID may as well be wrong. */
		unknownAge: 15_000,
		/** So many refusals in a row (401, 403, 404) end the wait. */
		maxRefusals: 5,
		/** How often a completed task is asked again for a link that it does not have yet. */
		maxMissingLinks: 3,
		/** Pauses between the tries of a single look. */
		lookPauses: [1_000, 2_000, 4_000],
	},
	/** When to look at a task again. */
	poll: {
		/** No provider finishes in less than some tens of seconds: nothing is gained below. */
		shortest: 2_800,
		/** The next look comes this share of the elapsed time later; the mean delay is half of it. */
		growth: 0.096,
		/** The share while a task is expected to finish. */
		closeWatch: 0.05,
	},
	/** Fetching a finished video. */
	download: {
		/** How long attempts go on after the first one that failed. */
		patience: 10 * 60_000,
		/** First and longest pause between attempts; it doubles. A `Retry-After` counts beyond it. */
		firstPause: 2_000,
		longestPause: 60_000,
		/** Until the headers of an answer, and between any two chunks of it. */
		stall: 30_000,
		/** Broken connections that are mended within one attempt. */
		maxBreaks: 4,
		/** Before a broken connection is opened again, times the number of breaks. */
		breakPause: 1_000,
		/** The slowest host that is waited for, in bytes per millisecond, measured over `paceWindow`. */
		slowestHost: 16,
		paceWindow: 60_000,
		/** The longest that one attempt may take. */
		longestAttempt: 2 * 60 * 60_000,
		/** The largest video that is taken, in bytes. */
		maxBytes: 2 * 1024 ** 3,
	},
	/** Handing a file over to the provider. */
	upload: {
		timeout: 120_000,
		maxTries: 3,
		pause: 2_000,
		/** How long the link to a file that was handed over is given to tasks. It works for about a day. */
		linkUse: 6 * 60 * 60_000,
	},
	/** Reading a part of a reference file; its timeout counts from the first byte sent to the last one received. */
	media: {
		readTimeout: 15_000,
		/** How long what was seen holds: after that a file is looked at again right before its task is created. */
		seenFor: 3 * 60_000,
		/** A link that ends sooner than this may be too short for the provider. */
		shortLink: 15 * 60_000,
	},
	/** Asking the provider's list after the answer to a creation was lost. */
	lostAnswer: {
		/** Before the list is asked again, times the number of tries. */
		pause: 1_000,
		triesBefore: 3,
		triesAfter: 6,
		/** How long after Stop an answer is awaited before the list is asked instead. */
		graceAfterStop: 400,
		/** How long after Stop the list may still be asked. */
		listGrace: 800,
	},
	/** Sleeping in n8n's database between two turns. */
	sleep: {
		/** n8n looks for what is due once a minute: from here on a sleep ends on time. */
		shortest: 65_000,
		/** A rest up to here is not worth a sleep. */
		awakeUpTo: 20_000,
		/** A turn that has been awake for so long sleeps at its next rest, however short that is. */
		longestAwake: 60_000,
		/** How long a run that a person watches in the editor stays awake first. */
		watchedAwake: 5 * 60_000,
		/** No turn of an execution that calls wake is shorter: a resume that had read the execution before it must not come after it. */
		shortestTurn: 1_000,
		/** The share of the elapsed time until the next look, where no end is likely. */
		growth: 0.02,
		/** A task whose likely end is no further off than this is looked at closely, awake. */
		nearEnd: 30_000,
		/** Between two such looks. */
		closeLook: 8_000,
	},
	/** Reading the body of a callback. */
	callback: {
		/** Until the last byte, from the moment the node is called. */
		bodyTimeout: 10_000,
		/** Before a process lets another call wake the same sleep. */
		wakeAgainAfter: 15_000,
		/** Bodies that may be arriving at the same time; one more ends the oldest. */
		maxArriving: 100,
	},
	/** Asking the API whether a callback tells the truth. */
	verify: {
		/** Before a task is looked up again whose end the API does not show yet. */
		pauses: [1_000, 2_000],
		/**
		 * Requests in a row that may confirm nothing. Those that confirm a callback are never counted,
		 * nor are those under way when the last one comes back.
		 */
		maxUnconfirmed: 60,
		/** After this time one more such request is allowed. */
		unconfirmedPause: 200,
		/** Between two requests for the list of tasks. */
		listPause: 1_000,
		/** Callbacks that may wait to be looked up; one more turns the oldest away. */
		maxWaiting: 500,
		/** How long an unknown task is not asked for again. */
		unknownFor: 5 * 60_000,
	},
};
