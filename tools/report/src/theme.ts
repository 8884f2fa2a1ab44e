// Light, dark, or as the system says; colours of the page's style for canvases.

const listeners: (() => void)[] = [];

export function onThemeChange(listener: () => void): void {
    listeners.push(listener);
}

export function colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function themeButton(): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "controls";
    const names = ["auto", "light", "dark"];
    let now = 0;
    const show = () => {
        if (now === 0) delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = names[now];
        button.textContent = `Theme: ${names[now]}`;
        for (const listener of listeners) listener();
    };
    button.addEventListener("click", () => {
        now = (now + 1) % names.length;
        show();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
    return button;
}
