// Runs before the page is drawn: the chosen theme (no flash of the other one), and the page's own
// code (on a channel page the player's too), which then loads beside the application instead of after it.
(function () {
  try {
    var theme = JSON.parse(localStorage.getItem('tally.theme') || '""');
    if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  } catch (error) {
    // storage is blocked: the system's theme it is
  }
  var pages = document.currentScript ? document.currentScript.dataset : {};
  var page = location.pathname.split('/')[1] || '';
  var other = ['login', 'signup', 'browse', 'settings', 'notifications', 'admin', 'videos', 'clips'];
  var isPlayer = other.indexOf(page) < 0 && !/^\/dashboard\/./.test(location.pathname); // the dashboard's first page has a player as well
  var files = page ? (isPlayer ? pages.channel : '') : pages.home;
  if (!files) return;
  files.split(' ').forEach(function (file) {
    var link = document.createElement('link');
    var isStyle = /\.css$/.test(file);
    link.rel = isStyle ? 'preload' : 'modulepreload';
    if (isStyle) link.as = 'style';
    link.crossOrigin = 'anonymous';
    link.href = file;
    document.head.appendChild(link);
  });
})();
