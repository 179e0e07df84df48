<?php
$page = '/pages/' . basename(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) . '.txt';
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    if (($_SERVER['PHP_AUTH_PW'] ?? '') !== getenv('ADMIN_PASSWORD')) {
        http_response_code(403);
        exit;
    }
    file_put_contents($page, file_get_contents('php://input'));
}
if (!is_file($page)) {
    http_response_code(404);
    exit;
}
echo getenv('TITLE') . ': ' . file_get_contents($page);
