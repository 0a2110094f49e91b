/** @returns what a video will cost by the user's own price, to a hundredth of a cent */
export function costOf(seconds: number, pricePerSecond?: number): number | undefined {
	return pricePerSecond === undefined ? undefined : rounded(seconds * pricePerSecond);
}

/** Without the digits that adding and multiplying in binary leaves behind. */
export function rounded(value: number): number {
	return Math.round(value * 1e4) / 1e4;
}
